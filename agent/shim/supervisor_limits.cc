// What the job's cgroup limits, kept while a script runs.

#include <cerrno>
#include <cstring>
#include <string>

#include "agent/shim/boot_clock.h"
#include "agent/shim/supervisor.h"

namespace grange::shim {
namespace {

constexpr uint64_t kLookEachMs = 1000;

}  // namespace

std::vector<OwnedFd> Supervisor::OpenCgroup() {
  look_at_limits_ms_ = kNever;
  over_limit_ = false;
  if (!cgroup_.exists()) return {};
  std::vector<OwnedFd> doors = cgroup_.OpenDoors();
  if (doors.size() != cgroup_.doors()) {
    result_.reason = EndReason::kPrepareFailed;
    AddDetail(std::string("cannot open the job's cgroup: ") + std::strerror(errno));
    return doors;
  }
  cgroup_.AllowForks();
  cgroup_.NoteEvents();
  look_at_limits_ms_ = BootMillis() + kLookEachMs;
  return doors;
}

void Supervisor::KeepLimits(uint64_t now) {
  if (now < look_at_limits_ms_ || look_at_limits_ms_ == kNever) return;
  look_at_limits_ms_ = BootMillis() + kLookEachMs;
  const JobCgroup::Limit limit = cgroup_.Exceeded();
  if (limit == JobCgroup::Limit::kNone) return;
  look_at_limits_ms_ = kNever;  // said once a stage
  over_limit_ = true;
  kill_at_ms_ = 0;
  if (stage_ == Stage::kAfterScript)
    return AddDetail("after_script was " + cgroup_.Describe(limit));
  AddDetail(cgroup_.Describe(limit));
  SetReason(limit == JobCgroup::Limit::kMemory ? EndReason::kMemoryLimit : EndReason::kPidsLimit);
}

}  // namespace grange::shim
