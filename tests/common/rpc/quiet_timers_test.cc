#include "common/rpc/quiet_timers.h"

#include <grpcpp/completion_queue.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "absl/time/clock.h"
#include "common/rpc/channel.h"

namespace grange::rpc {
namespace {

// Nobody listens there: port 1 of loopback.
std::shared_ptr<grpc::Channel> DeadChannel() {
  return *MakeChannel({.address = "127.0.0.1:1", .ca_pem = "", .insecure = true});
}

bool ConnectsWithin(grpc::Channel& channel, absl::Duration time) {
  return channel.WaitForConnected(absl::ToChronoTime(absl::Now() + time));
}

// gRPC is started once a process, so this is one test: the deadline of a wait is one of gRPC's
// older timers, which the thread ticks.
TEST(QuietTimersTest, TimersComeWithinAPeriodWhichCanBeMadeShorterAtOnce) {
  QuietTimers timers(absl::Milliseconds(20));
  const std::shared_ptr<grpc::Channel> channel = DeadChannel();
  EXPECT_FALSE(ConnectsWithin(*channel, absl::Milliseconds(50)));

  // Were the thread still asleep for the long period, the test would end by its time limit.
  timers.SetPeriod(absl::Hours(24));
  std::thread waiter([&] { EXPECT_FALSE(ConnectsWithin(*channel, absl::Milliseconds(50))); });
  timers.SetPeriod(absl::Milliseconds(20));
  waiter.join();
}

}  // namespace
}  // namespace grange::rpc
