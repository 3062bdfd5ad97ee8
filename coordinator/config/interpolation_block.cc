#include "coordinator/config/interpolation_block.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/text/edit_distance.h"
#include "coordinator/config/limits.h"

namespace grange::config {
namespace {

constexpr absl::string_view kOpen = "$[[";
constexpr absl::string_view kClose = "]]";

absl::StatusOr<InterpolationFunction> ParseFunction(absl::string_view text) {
  InterpolationFunction function;
  const size_t paren = text.find('(');
  function.name = std::string(absl::StripAsciiWhitespace(text.substr(0, paren)));
  if (paren != absl::string_view::npos) {
    if (!absl::EndsWith(text, ")")) {
      return absl::InvalidArgumentError(absl::StrCat("'", text, "' has no ')' at its end"));
    }
    const absl::string_view inside = text.substr(paren + 1, text.size() - paren - 2);
    for (const absl::string_view argument : absl::StrSplit(inside, ',')) {
      function.arguments.emplace_back(absl::StripAsciiWhitespace(argument));
    }
  }
  if (function.name.empty()) return absl::InvalidArgumentError("a function's name is missing");
  return function;
}

bool IsSequenceStart(char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }

// `length` characters from the character `offset` on, as far as there are any.
std::string Truncate(absl::string_view text, size_t offset, size_t length) {
  const auto skip = [&text](size_t from, size_t characters) {
    while (from < text.size() && characters-- > 0) {
      do {
        ++from;
      } while (from < text.size() && !IsSequenceStart(text[from]));
    }
    return from;
  };
  const size_t begin = skip(0, offset);
  return std::string(text.substr(begin, skip(begin, length) - begin));
}

// As Ruby's Shellwords, which GitLab uses.
std::string PosixEscape(absl::string_view text) {
  if (text.empty()) return "''";
  std::string out;
  for (const char c : text) {
    const bool plain = absl::ascii_isalnum(c) || absl::StrContains("_-.,:+/@", c);
    if (c == '\n') {
      out += "'\n'";
      continue;
    }
    if (!plain && IsSequenceStart(c)) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::optional<BlockSpan> FindBlock(absl::string_view text, size_t from) {
  const size_t begin = text.find(kOpen, from);
  if (begin == absl::string_view::npos) return std::nullopt;
  const size_t close = text.find(kClose, begin + kOpen.size());
  if (close == absl::string_view::npos) return std::nullopt;
  return BlockSpan{begin, close + kClose.size(),
                   text.substr(begin + kOpen.size(), close - begin - kOpen.size())};
}

absl::StatusOr<InterpolationBlock> ParseBlock(absl::string_view inside) {
  if (inside.size() > kInterpolationMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", inside.size(), " bytes inside; the limit is ", kInterpolationMax));
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(inside, '|');
  const absl::string_view access = absl::StripAsciiWhitespace(parts[0]);
  InterpolationBlock block;
  const size_t dot = access.find('.');
  if (dot == absl::string_view::npos || dot == 0 || dot + 1 == access.size()) {
    return absl::InvalidArgumentError(
        "names no value; it takes one such as 'inputs.name' or 'component.version'");
  }
  block.space = std::string(access.substr(0, dot));
  block.name = std::string(access.substr(dot + 1));
  for (size_t i = 1; i < parts.size(); ++i) {
    absl::StatusOr<InterpolationFunction> function =
        ParseFunction(absl::StripAsciiWhitespace(parts[i]));
    if (!function.ok()) return function.status();
    block.functions.push_back(*std::move(function));
  }
  if (block.functions.size() > kInputFunctionsMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has ", block.functions.size(), " functions; the limit is ", kInputFunctionsMax));
  }
  return block;
}

std::vector<std::string> InputsMentioned(absl::string_view text) {
  std::vector<std::string> names;
  size_t from = 0;
  while (const std::optional<BlockSpan> span = FindBlock(text, from)) {
    const absl::StatusOr<InterpolationBlock> block = ParseBlock(span->inside);
    if (block.ok() && block->space == "inputs") names.push_back(block->name);
    from = span->end;
  }
  return names;
}

absl::StatusOr<std::string> ApplyFunction(
    const InterpolationFunction& function, const std::string& text,
    const std::function<std::string(absl::string_view)>& expand) {
  if (function.name == "truncate") {
    size_t offset = 0;
    size_t length = 0;
    if (function.arguments.size() != 2 || !absl::SimpleAtoi(function.arguments[0], &offset) ||
        !absl::SimpleAtoi(function.arguments[1], &length)) {
      return absl::InvalidArgumentError(
          "'truncate' takes two numbers, the first character and how many: truncate(0,8)");
    }
    return Truncate(text, offset, length);
  }
  const bool known = function.name == "expand_vars" || function.name == "posix_escape";
  if (!known) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no function '", function.name, "'",
                     text::DidYouMean(function.name, {"expand_vars", "posix_escape", "truncate"})));
  }
  if (!function.arguments.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", function.name, "' takes no arguments; write it without '()'"));
  }
  return function.name == "expand_vars" ? expand(text) : PosixEscape(text);
}

}  // namespace grange::config
