#include "common/os/signals.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

namespace grange::os {
namespace {

TEST(TakeSignalsTest, GivesSignalsAsTheyComeAndThenNothing) {
  sigset_t before;
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &before), 0);
  const absl::StatusOr<UniqueFd> fd = TakeSignals({SIGUSR1, SIGUSR2});
  ASSERT_TRUE(fd.ok()) << fd.status();
  EXPECT_EQ(NextSignal(fd->get()), 0);

  ASSERT_EQ(raise(SIGUSR2), 0);

  pollfd wait{fd->get(), POLLIN, 0};
  ASSERT_EQ(poll(&wait, 1, 30'000), 1);
  EXPECT_EQ(NextSignal(fd->get()), SIGUSR2);
  EXPECT_EQ(NextSignal(fd->get()), 0);
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
}

TEST(TakeSignalsTest, AWriteToAClosedPipeIsAnErrorAndNoEnd) {
  sigset_t before;
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &before), 0);
  ASSERT_TRUE(TakeSignals({SIGUSR1}).ok());
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  EXPECT_EQ(write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(ends[1]);
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
}

}  // namespace
}  // namespace grange::os
