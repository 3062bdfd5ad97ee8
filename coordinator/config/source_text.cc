#include "coordinator/config/source_text.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/config/limits.h"

namespace grange::config {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The length of the valid UTF-8 sequence at the start of `text`, or 0.
size_t SequenceLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (byte(i) >> 6 != 2) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
  const bool too_large = lead == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || too_large ? 0 : length;
}

// nullopt if the character is one of a text.
std::optional<std::string> WhyRefused(absl::string_view rest, size_t length) {
  const auto c = static_cast<unsigned char>(rest[0]);
  if (length == 0) {
    return absl::StrFormat("byte 0x%02X is not UTF-8; save the file in UTF-8", c);
  }
  if (c == 0) return "the file has a NUL character; it is not a text, or not in UTF-8";
  if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
    return absl::StrFormat(
        "control character 0x%02X is not allowed; write it as \"\\x%02X\" in double quotes", c, c);
  }
  return std::nullopt;
}

bool IsMark(char c) { return c == ',' || c == '[' || c == ']' || c == '{' || c == '}'; }

}  // namespace

std::optional<Diagnostic> CheckText(const SourceFile& file) {
  Diagnostic diagnostic{.place = {file.name, 0, 0}, .message = ""};
  if (file.text.size() > kFileBytesMax) {
    diagnostic.message = absl::StrCat("the file has ", file.text.size(), " bytes; the limit is ",
                                      kFileBytesMax, "; move large data out of the configuration");
    return diagnostic;
  }
  if (absl::StartsWith(file.text, "\xFF\xFE") || absl::StartsWith(file.text, "\xFE\xFF")) {
    diagnostic.place.line = diagnostic.place.column = 1;
    diagnostic.message = "the file is in UTF-16; save it in UTF-8";
    return diagnostic;
  }
  int line = 1;
  int column = 1;
  int marks = 0;
  const absl::string_view text = WithoutByteOrderMark(file.text);
  for (size_t at = 0; at < text.size();) {
    const size_t length = SequenceLength(text.substr(at));
    if (const auto why = WhyRefused(text.substr(at), length); why.has_value()) {
      diagnostic.place.line = line;
      diagnostic.place.column = column;
      diagnostic.message = *why;
      return diagnostic;
    }
    if (IsMark(text[at]) && ++marks > kMarksMax) {
      diagnostic.place.line = line;
      diagnostic.place.column = column;
      diagnostic.message = absl::StrCat("the file has more than ", kMarksMax,
                                        " brackets and commas; move large data out of the "
                                        "configuration");
      return diagnostic;
    }
    column += static_cast<int>(length);
    if (text[at] == '\n') {
      ++line;
      column = 1;
    }
    at += length;
  }
  return std::nullopt;
}

absl::string_view WithoutByteOrderMark(absl::string_view text) {
  return absl::StartsWith(text, kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

}  // namespace grange::config
