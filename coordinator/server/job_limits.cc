#include "coordinator/server/job_limits.h"

#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/text/size_text.h"

namespace grange::server {
namespace {

// With less no shell starts; whoever writes 512 meant MiB.
constexpr uint64_t kMemoryMin = 1 << 20;
constexpr uint64_t kPidsMax = 4'194'304;  // what Linux can count

}  // namespace

absl::StatusOr<uint64_t> ParseMemoryLimit(absl::string_view value) {
  if (value.empty()) return 0;
  const absl::StatusOr<uint64_t> size = text::ParseSize(value);
  if (size.ok() && *size >= kMemoryMin) return size;
  return absl::InvalidArgumentError(
      absl::StrCat("GRANGE_MEMORY_LIMIT is '", value, "'; it takes a size such as 512MiB or 2GiB"));
}

absl::StatusOr<uint64_t> ParsePidsLimit(absl::string_view value) {
  if (value.empty()) return 0;
  uint64_t pids = 0;
  if (absl::SimpleAtoi(value, &pids) && pids > 0 && pids <= kPidsMax) return pids;
  return absl::InvalidArgumentError(
      absl::StrCat("GRANGE_PIDS_LIMIT is '", value,
                   "'; it takes a number of processes and threads such as 500"));
}

std::vector<std::string> CheckLimits(const std::string& file,
                                     const std::vector<pipeline::JobPlan>& jobs) {
  std::vector<std::string> errors;
  for (const pipeline::JobPlan& job : jobs) {
    // Of equal names the last one counts, as for the job itself.
    std::map<std::string, std::string> values;
    for (const pipeline::Variable& variable : job.variables) {
      values[variable.name] = variable.value;
    }
    for (const absl::Status& status : {ParseMemoryLimit(values["GRANGE_MEMORY_LIMIT"]).status(),
                                       ParsePidsLimit(values["GRANGE_PIDS_LIMIT"]).status()}) {
      if (status.ok()) continue;
      errors.push_back(absl::StrCat(file, ": job '", job.name, "': ", status.message()));
    }
  }
  return errors;
}

}  // namespace grange::server
