#include "coordinator/trace/coverage.h"

#include <re2/re2.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace grange::trace {
namespace {

constexpr size_t kRegexBytesMax = 1024;
constexpr size_t kLineBytesMax = 64 << 10;  // of a longer line only its end is looked at
constexpr int64_t kRegexMemoryMax = 1 << 20;

struct Parts {
  absl::string_view regex;
  absl::string_view flags;
};

// "/regex/flags" as in .gitlab-ci.yml, or the bare regex as in a project's settings.
Parts Split(absl::string_view text) {
  const size_t end = text.rfind('/');
  if (text.empty() || text[0] != '/' || end == 0) return {.regex = text, .flags = {}};
  const absl::string_view flags = text.substr(end + 1);
  if (flags.find_first_not_of("imsU") != absl::string_view::npos) {
    return {.regex = text, .flags = {}};
  }
  return {.regex = text.substr(1, end - 1), .flags = flags};
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool HasDigit(absl::string_view text) {
  for (const char c : text) {
    if (IsDigit(c)) return true;
  }
  return false;
}

// The line without terminal control sequences: ESC [ parameters, intermediates, final byte.
std::string WithoutColours(absl::string_view line) {
  std::string plain;
  plain.reserve(line.size());
  for (size_t i = 0; i < line.size();) {
    if (line[i] != '\x1b' || i + 1 >= line.size() || line[i + 1] != '[') {
      plain += line[i++];
      continue;
    }
    i += 2;
    while (i < line.size() && line[i] >= 0x20 && line[i] <= 0x3f) ++i;
    if (i < line.size() && line[i] >= 0x40 && line[i] <= 0x7e) ++i;
  }
  return plain;
}

std::optional<double> FirstNumber(absl::string_view text) {
  size_t begin = 0;
  while (begin < text.size() && !IsDigit(text[begin])) ++begin;
  size_t end = begin;
  while (end < text.size() && IsDigit(text[end])) ++end;
  if (end == begin) return std::nullopt;
  if (end + 1 < text.size() && text[end] == '.' && IsDigit(text[end + 1])) {
    ++end;
    while (end < text.size() && IsDigit(text[end])) ++end;
  }
  double number = 0;
  if (!absl::SimpleAtod(text.substr(begin, end - begin), &number) || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

struct CoveragePattern::Impl {
  Impl(const std::string& pattern, const RE2::Options& options)
      : regex(pattern, options), groups(1 + regex.NumberOfCapturingGroups()) {}

  // Of the last match in `line` the last group that took part, else the whole match.
  absl::string_view LastMatch(absl::string_view line) const {
    std::vector<re2::StringPiece> found(static_cast<size_t>(groups));
    const re2::StringPiece text(line.data(), line.size());
    absl::string_view last;
    size_t from = 0;
    while (from <= line.size() &&
           regex.Match(text, from, line.size(), RE2::UNANCHORED, found.data(), groups)) {
      last = absl::string_view(found[0].data(), found[0].size());
      for (size_t i = 1; i < found.size(); ++i) {
        if (found[i].data() != nullptr) last = absl::string_view(found[i].data(), found[i].size());
      }
      const size_t end = static_cast<size_t>(found[0].data() - line.data()) + found[0].size();
      from = found[0].empty() ? end + 1 : end;
    }
    return last;
  }

  RE2 regex;
  int groups;
};

absl::StatusOr<CoveragePattern> CoveragePattern::Compile(absl::string_view regex) {
  if (regex.size() > kRegexBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "coverage regex of ", regex.size(), " bytes; at most ", kRegexBytesMax, " are taken"));
  }
  const Parts parts = Split(regex);
  if (parts.regex.empty()) {
    return absl::InvalidArgumentError("coverage regex is empty; leave it out to have none");
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemoryMax);
  options.set_encoding(RE2::Options::EncodingLatin1);  // a trace is bytes, often no valid UTF-8
  // A prefix and not a group around it: the offending part in an error is the user's own text.
  auto impl = std::make_unique<Impl>(absl::StrCat("(?m", parts.flags, ")", parts.regex), options);
  if (!impl->regex.ok()) {
    const std::string& part = impl->regex.error_arg();
    return absl::InvalidArgumentError(
        absl::StrCat("coverage regex '", regex, "' does not compile: ", impl->regex.error(),
                     part.empty() ? "" : absl::StrCat(" (RE2 stopped at '", part, "')")));
  }
  return CoveragePattern(std::move(impl));
}

CoveragePattern::CoveragePattern(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CoveragePattern::CoveragePattern(CoveragePattern&&) noexcept = default;
CoveragePattern& CoveragePattern::operator=(CoveragePattern&&) noexcept = default;
CoveragePattern::~CoveragePattern() = default;

std::optional<double> CoveragePattern::FindInLine(absl::string_view line) const {
  if (line.size() > kLineBytesMax) line.remove_prefix(line.size() - kLineBytesMax);
  // No digit, no number: most lines of most traces never reach the regex.
  if (!HasDigit(line)) return std::nullopt;
  if (line.find('\x1b') == absl::string_view::npos) return FirstNumber(impl_->LastMatch(line));
  const std::string plain = WithoutColours(line);
  return FirstNumber(impl_->LastMatch(plain));
}

std::optional<double> CoveragePattern::Find(absl::string_view trace) const {
  while (!trace.empty()) {
    // The line feed that ends the last line is no separator of another one.
    const size_t feed =
        trace.size() >= 2 ? trace.rfind('\n', trace.size() - 2) : absl::string_view::npos;
    const size_t begin = feed == absl::string_view::npos ? 0 : feed + 1;
    if (std::optional<double> found = FindInLine(trace.substr(begin))) return found;
    trace = trace.substr(0, begin);
  }
  return std::nullopt;
}

}  // namespace grange::trace
