#include "coordinator/pipeline/pattern.h"

#include <re2/re2.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/never_matches.h"

namespace grange::pipeline {
namespace {

constexpr absl::string_view kFlags = "ismU";

// The last slash of `/text/flags`, or npos if `text` has not that form.
size_t LastSlash(absl::string_view text) {
  if (text.size() < 2 || text[0] != '/') return absl::string_view::npos;
  const size_t slash = text.find_last_not_of(kFlags);
  if (slash == absl::string_view::npos || slash == 0 || text[slash] != '/') {
    return absl::string_view::npos;
  }
  return slash;
}

absl::StatusOr<std::unique_ptr<re2::RE2>> CompileRegex(const std::string& regex,
                                                       absl::string_view shown) {
  if (regex.size() > kPatternBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a regular expression has at most ", kPatternBytesMax, " bytes"));
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemoryMax);
  auto compiled = std::make_unique<re2::RE2>(regex, options);
  if (!compiled->ok()) {  // RE2's text has the offending part at its end
    return absl::InvalidArgumentError(
        absl::StrCat("regular expression '", shown, "' doesn't compile: ", compiled->error()));
  }
  return compiled;
}

}  // namespace

bool Pattern::HasSlashes(absl::string_view text) {
  return LastSlash(text) != absl::string_view::npos;
}

absl::StatusOr<std::shared_ptr<const Pattern>> Pattern::Parse(absl::string_view text) {
  const size_t slash = LastSlash(text);
  if (slash == absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", text, "' is not a pattern; write it as /regex/, with flags of i, s, m, U after it"));
  }
  const absl::string_view flags = text.substr(slash + 1);
  std::string regex;
  if (!flags.empty()) regex = absl::StrCat("(?", flags, ")");
  absl::StrAppend(&regex, text.substr(1, slash - 1));
  absl::StatusOr<std::unique_ptr<re2::RE2>> compiled = CompileRegex(regex, text);
  if (!compiled.ok()) return compiled.status();
  return std::make_shared<const Pattern>(std::string(text), *std::move(compiled));
}

Pattern::Pattern(std::string text, std::unique_ptr<re2::RE2> regex)
    : text_(std::move(text)), regex_(std::move(regex)) {}
Pattern::~Pattern() = default;

bool Pattern::CanMatch() const { return !NeverMatches(regex_->pattern()); }

bool Pattern::Matches(absl::string_view text) const {
  text = text.substr(0, kMatchedTextMax);
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex_);
}

absl::StatusOr<std::shared_ptr<const Pattern>> PatternCache::Get(absl::string_view text) {
  const auto it = patterns_.find(text);
  if (it != patterns_.end()) return it->second;
  return patterns_.emplace(std::string(text), Pattern::Parse(text)).first->second;
}

absl::Status CheckCoverageRegex(absl::string_view regex) {
  absl::string_view bare = regex;
  if (bare.size() >= 2 && bare.front() == '/' && bare.back() == '/') {
    bare = bare.substr(1, bare.size() - 2);
  }
  if (bare.empty()) return absl::InvalidArgumentError("the regular expression is empty");
  return CompileRegex(std::string(bare), regex).status();
}

}  // namespace grange::pipeline
