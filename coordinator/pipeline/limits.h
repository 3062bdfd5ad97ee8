#ifndef GRANGE_COORDINATOR_PIPELINE_LIMITS_H_
#define GRANGE_COORDINATOR_PIPELINE_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

// What a pipeline may have. Each limit that is passed gives an error that names it.
namespace grange::pipeline {

inline constexpr size_t kJobsMax = 10'000;      // visible jobs of a configuration
inline constexpr size_t kNeedsMax = 50;         // entries of a job's `needs`
inline constexpr size_t kExternalNeedsMax = 5;  // of a job: to projects, and to pipelines
inline constexpr size_t kTagsMax = 49;
inline constexpr size_t kPathPatternsMax = 50;  // of one `changes` or `exists`
// A `changes` or `exists` holds once it has compared so many patterns with paths.
inline constexpr size_t kPathComparisonsMax = 50'000;
inline constexpr size_t kJobNameMax = 255;           // characters
inline constexpr size_t kJobNameWithNeedsMax = 128;  // of a job that has `needs`
inline constexpr size_t kStageNameMax = 255;
inline constexpr size_t kExpandedNameMax =
    255;                                  // bytes of a name after its variables were replaced
inline constexpr int kListDepthMax = 10;  // of lists in `script`, `rules`, `stages`
inline constexpr size_t kExpressionTokensMax = 100;  // of one `rules:if`
inline constexpr int kRetryMax = 2;
inline constexpr int kParallelMax = 200;  // instances of one job
inline constexpr absl::Duration kStartInMax = absl::Hours(7 * 24);
inline constexpr absl::Duration kTimeoutMax = absl::Hours(31 * 24);
inline constexpr size_t kCachesMax = 4;         // of one job
inline constexpr size_t kFallbackKeysMax = 5;   // of one cache
inline constexpr size_t kCacheKeyFilesMax = 2;  // of `key:files`, `key:files_commits`
inline constexpr size_t kTriggerIncludesMax = 3;
inline constexpr size_t kInputOptionsMax = 50;
inline constexpr size_t kExposeAsMax = 100;  // characters
// Values in one that is kept as written: `release`, `trigger:inputs`, settings of a secret.
inline constexpr int64_t kWrittenValuesMax = 10'000;
// What replacing the variables of one text may cost.
inline constexpr int kExpansionsMax = 10'000;
inline constexpr size_t kExpandedBytesMax = 1 << 20;
inline constexpr size_t kWrittenBytesMax = 1 << 20;   // of its texts, aliases repeated
inline constexpr size_t kPatternBytesMax = 1 << 10;   // of one regular expression
inline constexpr size_t kPatternMemoryMax = 1 << 20;  // that one may use
inline constexpr size_t kMatchedTextMax = 64 << 10;   // of a text that one is compared with
inline constexpr size_t kSuggestionsMax = 100;        // "did you mean" of a compilation
// What the plans of all jobs may hold together: the global variables are in each of them.
inline constexpr size_t kPlanVariableBytesMax = 256 << 20;

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_LIMITS_H_
