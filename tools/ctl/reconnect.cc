#include "tools/ctl/reconnect.h"

#include <cstring>

#include "absl/time/clock.h"
#include "common/os/random.h"

namespace grange::ctl {
namespace {

constexpr absl::Duration kFirstWait = absl::Milliseconds(100);
constexpr absl::Duration kLongestWait = absl::Seconds(2);
constexpr absl::Duration kGiveUpAfter = absl::Minutes(2);

}  // namespace

Reconnect::Reconnect(Client& client) : client_(client), backoff_(kFirstWait, kLongestWait) {}

void Reconnect::NoteProgress() {
  broken_since_ = absl::InfiniteFuture();
  backoff_.Reset();
}

bool Reconnect::ShouldRetry(const grpc::Status& status) {
  if (!client_.IsPassing(status)) return false;
  const absl::Time now = absl::Now();
  if (broken_since_ == absl::InfiniteFuture()) broken_since_ = now;
  return now - broken_since_ < kGiveUpAfter;
}

absl::Duration Reconnect::Delay() {
  uint64_t random = 0;
  const std::string bytes = os::RandomBytes(sizeof random);
  std::memcpy(&random, bytes.data(), sizeof random);
  return backoff_.Next(random);
}

bool Reconnect::WaitForAnswer(grpc::ClientContext& context) {
  const absl::Duration left = broken_since_ + kGiveUpAfter - absl::Now();
  return left > absl::ZeroDuration() && client_.WaitForAnswer(context, left);
}

bool Reconnect::Wait(const grpc::Status& status) {
  if (!ShouldRetry(status)) return false;
  absl::SleepFor(Delay());
  grpc::ClientContext context;
  return WaitForAnswer(context);
}

}  // namespace grange::ctl
