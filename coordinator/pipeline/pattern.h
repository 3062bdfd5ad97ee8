#ifndef GRANGE_COORDINATOR_PIPELINE_PATTERN_H_
#define GRANGE_COORDINATOR_PIPELINE_PATTERN_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace re2 {
class RE2;
}

namespace grange::pipeline {

// A regular expression that a user wrote as `/text/flags` (flags of `i s m U`): RE2, unanchored.
class Pattern {
 public:
  // kInvalidArgument with RE2's reason and the offending part, or if the slashes are missing.
  static absl::StatusOr<std::shared_ptr<const Pattern>> Parse(absl::string_view text);

  // True if `text` has the form of a pattern; whether it compiles is another question.
  static bool HasSlashes(absl::string_view text);

  Pattern(std::string text, std::unique_ptr<re2::RE2> regex);
  ~Pattern();

  // Looks at the first kMatchedTextMax bytes of `text`.
  bool Matches(absl::string_view text) const;

  const std::string& text() const { return text_; }  // as written, with slashes and flags
  // False if surely no text matches.
  bool CanMatch() const;

 private:
  const std::string text_;
  std::unique_ptr<re2::RE2> regex_;
};

// Patterns by their text: a configuration has the same few in thousands of jobs. Shared ownership,
// as expressions keep them longer than the cache may live.
class PatternCache {
 public:
  absl::StatusOr<std::shared_ptr<const Pattern>> Get(absl::string_view text);

 private:
  absl::flat_hash_map<std::string, absl::StatusOr<std::shared_ptr<const Pattern>>> patterns_;
};

// OK if `regex` is fit for `coverage`: with or without slashes around it.
absl::Status CheckCoverageRegex(absl::string_view regex);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_PATTERN_H_
