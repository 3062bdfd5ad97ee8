#include "agent/job/job_limits.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/text/size_text.h"

namespace grange::job {
namespace {

std::string MemoryText(uint64_t bytes) {
  return absl::StrCat(text::FormatSize(bytes), " of memory");
}
std::string PidsText(uint64_t pids) { return absl::StrCat(pids, " processes and threads"); }

// One of the limits; notes what is to be said of it.
uint64_t Plan(uint64_t wanted, uint64_t most, const std::string& why_not,
              std::string (*describe)(uint64_t), std::vector<std::string>& given,
              std::string& notes) {
  const bool capped = most > 0 && wanted > most;
  const uint64_t limit = wanted == 0 || capped ? most : wanted;
  if (limit == 0) return 0;
  if (!why_not.empty()) {
    absl::StrAppend(&notes, "WARNING: this job runs without its limit of ", describe(limit), ": ",
                    why_not, "\n");
    return 0;
  }
  if (capped) {
    absl::StrAppend(&notes, "WARNING: this job asks for ", describe(wanted),
                    "; this agent gives a job ", describe(most), "\n");
  }
  given.push_back(describe(limit));
  return limit;
}

}  // namespace

LimitPlan PlanLimits(const exec::JobLimits& wanted, const exec::JobLimits& most,
                     const std::string& why_no_memory, const std::string& why_no_pids) {
  LimitPlan plan;
  std::vector<std::string> given;
  std::string notes;
  plan.limits.memory_bytes =
      Plan(wanted.memory_bytes, most.memory_bytes, why_no_memory, MemoryText, given, notes);
  plan.limits.pids = Plan(wanted.pids, most.pids, why_no_pids, PidsText, given, notes);
  if (!given.empty()) plan.text = absl::StrCat("Limits: ", absl::StrJoin(given, ", "), "\n");
  plan.text += notes;
  return plan;
}

}  // namespace grange::job
