#include "coordinator/server/protocol_times.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/text/duration_text.h"

namespace grange::server {
namespace {

// The clocks of two machines may run so much faster or slower.
constexpr double kClockRate = 1.1;

absl::Status AtLeast(absl::string_view option, absl::Duration value, absl::Duration least,
                     absl::string_view why) {
  if (value >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(option, " is ", text::FormatDuration(value), "; it must be at least ",
                   text::FormatDuration(least), ": ", why));
}

}  // namespace

absl::Status CheckTimes(const schedule::SchedulerOptions& scheduler,
                        const session::SessionOptions& sessions, absl::Duration lease_grace) {
  const absl::Status checks[] = {
      AtLeast("--silence", sessions.silence_limit, 2 * sessions.heartbeat_every,
              "twice --heartbeat, so that one that is late is no silence"),
      AtLeast("--lease", sessions.lease_ttl, 2 * sessions.heartbeat_every,
              "twice --heartbeat, which renews it"),
      AtLeast("--lost-after", scheduler.lost_after,
              sessions.lease_ttl * kClockRate + std::max(sessions.silence_limit, lease_grace),
              absl::StrCat("--lease, a tenth more for clocks that differ, and --silence or the ",
                           text::FormatDuration(lease_grace),
                           " that a job has to stop; before that the agent may still run it"))};
  for (const absl::Status& check : checks) {
    if (!check.ok()) return check;
  }
  return absl::OkStatus();
}

}  // namespace grange::server
