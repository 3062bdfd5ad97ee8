#include "tools/ctl/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace grange::ctl {
namespace {

// The length of the UTF-8 sequence at the start of `text`; 0 if there is none, or if it is longer
// than it need be, a surrogate, or beyond the last code point.
size_t SequenceLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return 1;
  const size_t length = byte(0) >= 0xf5   ? 0
                        : byte(0) >= 0xf0 ? 4
                        : byte(0) >= 0xe0 ? 3
                        : byte(0) >= 0xc2 ? 2
                                          : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (byte(0) == 0xe0 && byte(1) < 0xa0) return 0;
  if (byte(0) == 0xed && byte(1) >= 0xa0) return 0;
  if (byte(0) == 0xf0 && byte(1) < 0x90) return 0;
  if (byte(0) == 0xf4 && byte(1) >= 0x90) return 0;
  return length;
}

bool IsControl(absl::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first < 0x20 || first == 0x7f;
  // U+0080 to U+009F: terminals take U+009B for "escape [".
  return first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;
}

// The bidirectional controls (U+202A–E, U+2066–9) can make a line read as what it is not.
bool IsDirectionControl(absl::string_view sequence) {
  if (sequence.size() != 3 || sequence.substr(0, 1) != "\xe2") return false;
  const auto second = static_cast<unsigned char>(sequence[1]);
  const auto third = static_cast<unsigned char>(sequence[2]);
  return (second == 0x80 && third >= 0xaa && third <= 0xae) ||
         (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

bool IsSequenceStart(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

}  // namespace

Terminal Terminal::Of(int fd) {
  Terminal terminal;
  terminal.is_terminal = ::isatty(fd) == 1;
  if (!terminal.is_terminal) return terminal;
  const char* no_color = ::getenv("NO_COLOR");
  const char* term = ::getenv("TERM");
  const bool dumb = term != nullptr && absl::string_view(term) == "dumb";
  terminal.colours = (no_color == nullptr || *no_color == '\0') && !dumb;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    terminal.columns = size.ws_col;
    terminal.rows = size.ws_row;
  }
  return terminal;
}

std::string Paint(absl::string_view text, Colour colour, const Terminal& terminal) {
  if (!terminal.colours) return std::string(text);
  switch (colour) {
    case Colour::kNone:
      return std::string(text);
    case Colour::kRed:
      return absl::StrCat("\x1b[31m", text, "\x1b[0m");
    case Colour::kGreen:
      return absl::StrCat("\x1b[32m", text, "\x1b[0m");
    case Colour::kYellow:
      return absl::StrCat("\x1b[33m", text, "\x1b[0m");
    case Colour::kBlue:
      return absl::StrCat("\x1b[34m", text, "\x1b[0m");
    case Colour::kGrey:
      return absl::StrCat("\x1b[90m", text, "\x1b[0m");
  }
  return std::string(text);
}

Colour StatusColour(absl::string_view status) {
  if (status == "success" || status == "online") return Colour::kGreen;
  if (status == "failed" || status == "unreachable" || status == "revoked") return Colour::kRed;
  if (status == "running") return Colour::kBlue;
  if (status == "pending" || status == "manual" || status == "scheduled" || status == "draining") {
    return Colour::kYellow;
  }
  if (status == "canceled" || status == "skipped" || status == "created" || status == "offline" ||
      status == "drained") {
    return Colour::kGrey;
  }
  return Colour::kNone;
}

std::string Printable(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    const absl::string_view sequence = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(sequence.size());
    if (length != 0 && !IsControl(sequence) && !IsDirectionControl(sequence)) {
      absl::StrAppend(&out, sequence);
    } else if (sequence == "\n") {
      out += "\\n";
    } else if (sequence == "\t") {
      out += "\\t";
    } else {
      for (const char c : sequence) {
        absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(c));
      }
    }
  }
  return out;
}

size_t Width(absl::string_view text) {
  size_t width = 0;
  for (const char c : text) {
    if (IsSequenceStart(c)) ++width;
  }
  return width;
}

std::string Clip(absl::string_view text, size_t columns) {
  if (columns == 0) return "";
  if (Width(text) <= columns) return std::string(text);
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end) {
    if (IsSequenceStart(text[end]) && seen++ == columns - 1) break;
  }
  return absl::StrCat(text.substr(0, end), "…");
}

}  // namespace grange::ctl
