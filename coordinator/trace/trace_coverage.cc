#include "coordinator/trace/trace_coverage.h"

#include <algorithm>
#include <string>

#include "common/base/status_macros.h"

namespace grange::trace {
namespace {

constexpr uint64_t kBlockBytes = 256 << 10;
// Of a line that began before the block only so much is kept: CoveragePattern looks no further.
constexpr size_t kKeptBytes = 64 << 10;

}  // namespace

absl::StatusOr<std::optional<double>> FindCoverage(const TraceStore& traces, JobId job,
                                                   AttemptNumber attempt,
                                                   const CoveragePattern& pattern) {
  uint64_t end = traces.Size(job, attempt);
  std::string rest;  // the beginning of what was read so far, up to its first line feed
  while (end > 0) {
    const uint64_t begin = end - std::min(end, kBlockBytes);
    std::string block;
    while (block.size() < end - begin) {
      GRANGE_ASSIGN_OR_RETURN(const std::string part,
                              traces.Read(job, attempt, begin + block.size(),
                                          static_cast<size_t>(end - begin - block.size())));
      if (part.empty()) return absl::DataLossError("a trace is shorter than its size");
      block += part;
    }
    block += rest;
    if (begin == 0) return pattern.Find(block);
    const size_t feed = block.find('\n');
    // Whole lines are all after the first line feed; `rest`'s own feed, at most, is the last byte.
    const size_t whole = feed == std::string::npos ? block.size() : feed + 1;
    if (std::optional<double> found = pattern.Find(absl::string_view(block).substr(whole))) {
      return found;
    }
    rest = block.substr(whole > kKeptBytes ? whole - kKeptBytes : 0, std::min(whole, kKeptBytes));
    end = begin;
  }
  return std::optional<double>();
}

}  // namespace grange::trace
