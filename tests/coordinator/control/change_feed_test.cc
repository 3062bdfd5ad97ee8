#include "coordinator/control/change_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "absl/time/clock.h"

namespace grange::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kLong = absl::Minutes(10);  // a wait that must not be used up

constexpr absl::Duration kShort = absl::Milliseconds(20);

const PipelineChange kChange = {.pipeline = true, .jobs = {}};

// Whether nothing had been signalled: then the wait lasts as long as it may.
bool WaitsInVain(Wakeup& wakeup, Wakeup::Cause cause) {
  const absl::Time before = absl::Now();
  wakeup.Wait(cause, kShort);
  return absl::Now() - before >= kShort;
}

TEST(WakeupTest, ASignalFromBeforeIsNotMissed) {
  Wakeup wakeup;
  wakeup.Signal(Wakeup::kState);
  wakeup.Wait(Wakeup::kState, kLong);  // hangs if it was missed
}

TEST(WakeupTest, WakesAThreadThatWaits) {
  Wakeup wakeup;
  std::thread waiter([&wakeup] { wakeup.Wait(Wakeup::kState | Wakeup::kTrace, kLong); });
  wakeup.Signal(Wakeup::kTrace);
  waiter.join();
}

TEST(WakeupTest, ACauseThatNobodyAskedForIsKept) {
  Wakeup wakeup;
  wakeup.Signal(Wakeup::kTrace);
  EXPECT_EQ(wakeup.Wait(Wakeup::kState, absl::ZeroDuration()), 0u);
  // Hangs if the wait before had taken it.
  EXPECT_EQ(wakeup.Wait(Wakeup::kTrace, kLong), unsigned{Wakeup::kTrace});
}

TEST(WakeupTest, EndsAtItsTimeWithoutASignal) {
  Wakeup wakeup;
  EXPECT_TRUE(WaitsInVain(wakeup, Wakeup::kState));
}

TEST(WakeupTest, OnlyTheChangeOfAPipelineIsOneForAtOnce) {
  Wakeup wakeup;
  wakeup.Signal({.pipeline = false, .jobs = {JobId(1)}});
  EXPECT_EQ(wakeup.Wait(Wakeup::kAtOnce, absl::ZeroDuration()), 0u);
  EXPECT_EQ(wakeup.Wait(Wakeup::kState | Wakeup::kAtOnce, kLong), unsigned{Wakeup::kState});
  wakeup.Signal({.pipeline = true, .jobs = {}});
  EXPECT_EQ(wakeup.Wait(Wakeup::kState | Wakeup::kAtOnce, kLong),
            unsigned{Wakeup::kState | Wakeup::kAtOnce});
}

TEST(WakeupTest, TakesEachChangeOnce) {
  Wakeup wakeup;
  wakeup.Signal({.pipeline = false, .jobs = {JobId(1)}});
  wakeup.Signal({.pipeline = true, .jobs = {JobId(1), JobId(2)}});

  const PipelineChange change = wakeup.TakeChange();
  EXPECT_TRUE(change.pipeline);
  EXPECT_THAT(change.jobs, ElementsAre(JobId(1), JobId(2)));

  const PipelineChange none = wakeup.TakeChange();
  EXPECT_FALSE(none.pipeline);
  EXPECT_THAT(none.jobs, IsEmpty());
}

TEST(ChangeFeedTest, TellsThoseOfThePipelineOnly) {
  ChangeFeed feed;
  const auto one = std::make_shared<Wakeup>();
  const auto other = std::make_shared<Wakeup>();
  const auto handle = feed.Subscribe(PipelineId(1), one);
  const auto other_handle = feed.Subscribe(PipelineId(2), other);
  feed.Publish(PipelineId(1), kChange);
  feed.Publish(PipelineId(3), kChange);
  one->Wait(Wakeup::kState, kLong);
  EXPECT_TRUE(WaitsInVain(*other, Wakeup::kState));
}

TEST(ChangeFeedTest, OneWakeupMayListenTwiceAndStopOnce) {
  ChangeFeed feed;
  const auto wakeup = std::make_shared<Wakeup>();
  const auto kept = feed.Subscribe(PipelineId(1), wakeup);
  feed.Subscribe(PipelineId(1), wakeup).reset();
  feed.Publish(PipelineId(1), kChange);
  wakeup->Wait(Wakeup::kState, kLong);
}

TEST(ChangeFeedTest, ManyChangesAreOneWakeup) {
  ChangeFeed feed;
  const auto wakeup = std::make_shared<Wakeup>();
  const auto handle = feed.Subscribe(PipelineId(1), wakeup);
  for (int i = 0; i < 1000; ++i) feed.Publish(PipelineId(1), kChange);
  wakeup->Wait(Wakeup::kState, kLong);
  EXPECT_TRUE(WaitsInVain(*wakeup, Wakeup::kState));
}

TEST(ChangeFeedTest, NobodyIsToldAfterItsHandleHasGone) {
  ChangeFeed feed;
  const auto wakeup = std::make_shared<Wakeup>();
  feed.Subscribe(PipelineId(1), wakeup).reset();
  feed.Publish(PipelineId(1), kChange);
  EXPECT_TRUE(WaitsInVain(*wakeup, Wakeup::kState));
}

TEST(ChangeFeedTest, CloseWakesAllWhoWait) {
  ChangeFeed feed;
  const auto one = std::make_shared<Wakeup>();
  const auto two = std::make_shared<Wakeup>();
  const auto first = feed.Subscribe(PipelineId(1), one);
  const auto second = feed.Subscribe(PipelineId(2), two);
  EXPECT_FALSE(feed.closed());
  std::thread waiter([&two] { two->Wait(Wakeup::kState, kLong); });
  feed.Close();
  waiter.join();
  one->Wait(Wakeup::kState, kLong);
  EXPECT_TRUE(feed.closed());
}

}  // namespace
}  // namespace grange::control
