#include "coordinator/trace/trace_mark.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace grange::trace {
namespace {

constexpr uint64_t kOffsetMax = uint64_t{1} << 62;
constexpr int64_t kUnixMsMax = 253'402'300'799'999;  // the end of the year 9999

char LetterOf(Mark::Kind kind) {
  switch (kind) {
    case Mark::Kind::kTime:
      return 't';
    case Mark::Kind::kSectionStart:
      return 's';
    case Mark::Kind::kSectionEnd:
      return 'e';
  }
  return '?';
}

std::optional<Mark::Kind> KindOf(absl::string_view letter) {
  if (letter == "t") return Mark::Kind::kTime;
  if (letter == "s") return Mark::Kind::kSectionStart;
  if (letter == "e") return Mark::Kind::kSectionEnd;
  return std::nullopt;
}

bool IsNameChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
}

}  // namespace

absl::Status CheckMark(const Mark& mark) {
  if (mark.offset > kOffsetMax) {
    return absl::InvalidArgumentError("a trace mark's offset is out of range");
  }
  if (mark.unix_ms < 0 || mark.unix_ms > kUnixMsMax) {
    return absl::InvalidArgumentError("a trace mark's time is out of range");
  }
  if (mark.name.empty() != (mark.kind == Mark::Kind::kTime) ||
      mark.name.size() > kMarkNameBytesMax ||
      !std::all_of(mark.name.begin(), mark.name.end(), &IsNameChar)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a trace mark's name is not that of a section: letters, digits and ._-, at most ",
        kMarkNameBytesMax));
  }
  return absl::OkStatus();
}

std::string FormatMark(const Mark& mark) {
  const char letter = LetterOf(mark.kind);
  return absl::StrCat(mark.offset, " ", mark.unix_ms, " ", absl::string_view(&letter, 1),
                      mark.name.empty() ? "" : " ", mark.name, "\n");
}

std::optional<Mark> ParseMark(absl::string_view line) {
  const std::vector<absl::string_view> parts = absl::StrSplit(line, ' ');
  if (parts.size() < 3 || parts.size() > 4) return std::nullopt;
  Mark mark;
  const std::optional<Mark::Kind> kind = KindOf(parts[2]);
  if (!kind.has_value() || !absl::SimpleAtoi(parts[0], &mark.offset) ||
      !absl::SimpleAtoi(parts[1], &mark.unix_ms)) {
    return std::nullopt;
  }
  mark.kind = *kind;
  if (parts.size() == 4) {
    if (parts[3].empty()) return std::nullopt;
    mark.name = std::string(parts[3]);
  }
  if (!CheckMark(mark).ok()) return std::nullopt;
  return mark;
}

bool MarkOrder::Take(const Mark& mark) {
  if (count_ >= kMarksMax) return false;
  if (!at_last_offset_.empty()) {
    const uint64_t last = at_last_offset_.front().offset;
    if (mark.offset < last) return false;
    if (mark.offset > last) at_last_offset_.clear();
  }
  if (at_last_offset_.size() >= kMarksAtOneOffsetMax) return false;
  const bool known =
      std::any_of(at_last_offset_.begin(), at_last_offset_.end(),
                  [&mark](const Mark& m) { return m.kind == mark.kind && m.name == mark.name; });
  if (known) return false;
  at_last_offset_.push_back(mark);
  ++count_;
  return true;
}

}  // namespace grange::trace
