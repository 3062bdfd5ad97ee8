#ifndef GRANGE_COORDINATOR_CONFIG_LIMITS_H_
#define GRANGE_COORDINATOR_CONFIG_LIMITS_H_

#include <cstddef>
#include <cstdint>

// What a configuration may cost. Each limit that is reached gives one error that names it.
namespace grange::config {

inline constexpr size_t kFileBytesMax = 16 << 20;  // of one file, checked before it is parsed
inline constexpr size_t kIncludedBytesMax = 32
                                            << 20;  // of all included files, repeated ones counted
// Brackets, braces and commas of a file: the parser takes a list in brackets apart to its end before
// it gives its first value, and needs some 100 bytes for each of them.
inline constexpr int kMarksMax = 4'000'000;
inline constexpr int kDepthMax = 100;               // lists and maps inside each other
// Values of a configuration, counted as often as aliases, merges and `extends` repeat them: what
// a walk over the whole of it visits.
inline constexpr int64_t kVisitsMax = 2'000'000;
inline constexpr int kIncludesMax = 150;                 // of a pipeline, repeated ones counted
inline constexpr int kIncludeDepthMax = 100;             // files that include files
inline constexpr int kExtendsDepthMax = 11;              // parents of parents
inline constexpr int kReferenceDepthMax = 10;            // references to values with references
inline constexpr size_t kInputOptionsMax = 50;           // of one input
inline constexpr size_t kInputRulesDepthMax = 100;       // inputs whose rules look at other inputs
inline constexpr size_t kInputFunctionsMax = 3;          // of one interpolation
inline constexpr size_t kInterpolationMax = 1 << 10;     // bytes inside $[[ ]]
inline constexpr size_t kInterpolatedTextMax = 1 << 20;  // bytes of a text with $[[ ]]
inline constexpr size_t kInterpolatedBytesMax = 16 << 20;  // of all such texts together
inline constexpr size_t kSpecDescriptionMax = 256;         // characters
inline constexpr int64_t kRegexMemoryMax = 1 << 20;        // of the regex of an input
inline constexpr size_t kYamlTextMax = 64 << 20;           // bytes that ToYaml() writes
inline constexpr size_t kDiagnosticsMax = 1000;  // reported ones; the rest is only counted

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_LIMITS_H_
