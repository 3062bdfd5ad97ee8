#include "tools/ctl/job_text.h"

#include "absl/strings/str_cat.h"
#include "tools/ctl/time_text.h"

namespace grange::ctl {

bool HasEnded(const std::string& status) {
  return status == "success" || status == "failed" || status == "canceled" || status == "skipped";
}

std::string FailureText(const v1::Job& job) {
  std::string what = job.detail();
  if (what.empty() && job.exit_code() != 0) what = absl::StrCat("exit status ", job.exit_code());
  if (what.empty()) return job.failure_reason().empty() ? "unknown reason" : job.failure_reason();
  if (job.failure_reason().empty()) return what;
  return absl::StrCat(what, " (", job.failure_reason(), ")");
}

std::string NoteText(const v1::Job& job) {
  if (job.agent_unreachable_since_ms() == 0) return job.note();
  return absl::StrCat(
      "agent unreachable since ", ClockText(absl::FromUnixMillis(job.agent_unreachable_since_ms())),
      job.stops_on_disconnect() ? ", job stops when its lease is over" : ", job goes on");
}

std::string StatusText(const v1::Job& job) {
  std::string text = job.status();
  if (job.attempt() > 1) absl::StrAppend(&text, " (attempt ", job.attempt(), ")");
  if (job.status() == "failed" && job.allow_failure()) text += " (allowed)";
  return text;
}

}  // namespace grange::ctl
