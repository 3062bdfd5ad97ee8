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
  give_up_.reset();
  backoff_.Reset();
}

bool Reconnect::ShouldRetry(const grpc::Status& status) {
  if (!client_.IsPassing(status)) return false;
  if (!give_up_.has_value()) give_up_.emplace(kGiveUpAfter);
  return !give_up_->IsOver();
}

absl::Duration Reconnect::Delay() {
  uint64_t random = 0;
  const std::string bytes = os::RandomBytes(sizeof random);
  std::memcpy(&random, bytes.data(), sizeof random);
  return backoff_.Next(random);
}

bool Reconnect::WaitForAnswer(grpc::ClientContext& context) {
  const absl::Duration left = give_up_.has_value() ? give_up_->Left() : kGiveUpAfter;
  return left > absl::ZeroDuration() && client_.WaitForAnswer(context, left);
}

bool Reconnect::Wait(const grpc::Status& status) {
  // The line may break again under the question whether it is there.
  while (ShouldRetry(status)) {
    absl::SleepFor(Delay());
    grpc::ClientContext context;
    if (WaitForAnswer(context)) return true;
  }
  return false;
}

}  // namespace grange::ctl
