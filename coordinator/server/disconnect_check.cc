#include "coordinator/server/disconnect_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/server/pipeline_book.h"

namespace grange::server {
namespace {

constexpr size_t kNamesMax = 5;

// "job 'a'", "jobs 'a', 'b' and 3 more".
std::string Jobs(const std::vector<std::string>& names) {
  const size_t shown = std::min(names.size(), kNamesMax);
  std::string text = absl::StrCat(
      names.size() == 1 ? "job '" : "jobs '",
      absl::StrJoin(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), "', '"),
      "'");
  if (shown < names.size()) absl::StrAppend(&text, " and ", names.size() - shown, " more");
  return text;
}

// Of equal names the last one counts, as for the job itself; null if there is none.
const std::string* OnDisconnect(const pipeline::JobPlan& job) {
  const auto found = std::find_if(
      job.variables.rbegin(), job.variables.rend(),
      [](const pipeline::Variable& variable) { return variable.name == "GRANGE_ON_DISCONNECT"; });
  return found == job.variables.rend() ? nullptr : &found->value;
}

}  // namespace

DisconnectFindings CheckDisconnect(const std::string& file,
                                   const std::vector<pipeline::JobPlan>& jobs,
                                   const std::map<std::string, std::string>& settings) {
  std::map<std::string, std::vector<std::string>> wrong;  // jobs by value
  std::vector<std::string> may_overlap;
  for (const pipeline::JobPlan& job : jobs) {
    const std::string* const value = OnDisconnect(job);
    if (value != nullptr && *value != "keep" && *value != "stop") {
      wrong[*value].push_back(job.name);
      continue;
    }
    // `retry` without `when` names no reason, so it says nothing about a lost agent.
    const std::vector<lifecycle::FailureReason>& when = job.retry.when;
    const bool again =
        job.retry.max > 0 &&
        std::find(when.begin(), when.end(), lifecycle::FailureReason::kAgentLost) != when.end();
    if (again && !StopsOnDisconnect(job, settings)) may_overlap.push_back(job.name);
  }
  DisconnectFindings findings;
  for (const auto& [value, names] : wrong) {
    findings.errors.push_back(absl::StrCat(file, ": ", Jobs(names), ": GRANGE_ON_DISCONNECT is '",
                                           value, "'; it takes keep or stop"));
  }
  if (!may_overlap.empty()) {
    findings.warnings.push_back(absl::StrCat(
        file, ": ", Jobs(may_overlap),
        ": retried when the agent is lost, while the lost attempt goes on (on-disconnect is "
        "keep): two attempts may run at the same time; set GRANGE_ON_DISCONNECT to stop if they "
        "must not"));
  }
  return findings;
}

}  // namespace grange::server
