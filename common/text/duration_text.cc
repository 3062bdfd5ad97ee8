#include "common/text/duration_text.h"

#include <array>
#include <cmath>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace grange::text {
namespace {

constexpr size_t kTextBytesMax = 200;
constexpr absl::Duration kDurationMax = absl::Hours(24 * 365 * 100);

struct Unit {
  absl::string_view name;
  absl::Duration length;
};

// Months of 30 days and years of 365 days, as people mean them in a time limit.
constexpr std::array<Unit, 30> kUnits = {{
    {"s", absl::Seconds(1)},
    {"sec", absl::Seconds(1)},
    {"secs", absl::Seconds(1)},
    {"second", absl::Seconds(1)},
    {"seconds", absl::Seconds(1)},
    {"m", absl::Minutes(1)},
    {"min", absl::Minutes(1)},
    {"mins", absl::Minutes(1)},
    {"minute", absl::Minutes(1)},
    {"minutes", absl::Minutes(1)},
    {"h", absl::Hours(1)},
    {"hr", absl::Hours(1)},
    {"hrs", absl::Hours(1)},
    {"hour", absl::Hours(1)},
    {"hours", absl::Hours(1)},
    {"d", absl::Hours(24)},
    {"day", absl::Hours(24)},
    {"days", absl::Hours(24)},
    {"w", absl::Hours(24 * 7)},
    {"wk", absl::Hours(24 * 7)},
    {"week", absl::Hours(24 * 7)},
    {"weeks", absl::Hours(24 * 7)},
    {"mo", absl::Hours(24 * 30)},
    {"mos", absl::Hours(24 * 30)},
    {"month", absl::Hours(24 * 30)},
    {"months", absl::Hours(24 * 30)},
    {"yr", absl::Hours(24 * 365)},
    {"yrs", absl::Hours(24 * 365)},
    {"year", absl::Hours(24 * 365)},
    {"years", absl::Hours(24 * 365)},
}};

constexpr std::array<absl::string_view, 13> kNumberWords = {
    "zero",  "one",   "two",  "three", "four",   "five",  "six",
    "seven", "eight", "nine", "ten",   "eleven", "twelve"};

const Unit* FindUnit(absl::string_view word) {
  for (const Unit& unit : kUnits) {
    if (unit.name == word) return &unit;
  }
  return nullptr;
}

// -1 if `word` is no number.
double NumberOfWord(absl::string_view word) {
  if (word == "a" || word == "an") return 1;
  for (size_t i = 0; i < kNumberWords.size(); ++i) {
    if (kNumberWords[i] == word) return static_cast<double>(i);
  }
  return -1;
}

absl::Status NotUnderstood(absl::string_view text, absl::string_view part, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("duration '", text, "': '", part, "' ", why,
                                                 "; write it like '1h 30m' or '90 minutes'"));
}

// The next run of digits (with a fraction) or of letters; skips blanks and commas before it.
absl::string_view NextPart(absl::string_view text, size_t& at) {
  while (at < text.size() && (absl::ascii_isspace(text[at]) || text[at] == ',')) ++at;
  const size_t start = at;
  if (at == text.size()) return "";
  if (absl::ascii_isdigit(text[at])) {
    while (at < text.size() && (absl::ascii_isdigit(text[at]) || text[at] == '.')) ++at;
  } else if (absl::ascii_isalpha(text[at])) {
    while (at < text.size() && absl::ascii_isalpha(text[at])) ++at;
  } else {
    ++at;
  }
  return text.substr(start, at - start);
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  if (text.size() > kTextBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a duration has at most ", kTextBytesMax, " characters"));
  }
  const std::string lower = absl::AsciiStrToLower(text);
  absl::Duration total = absl::ZeroDuration();
  double amount = -1;  // a number that waits for its unit
  bool any_unit = false;
  absl::string_view amount_text;
  size_t at = 0;
  for (absl::string_view part = NextPart(lower, at); !part.empty(); part = NextPart(lower, at)) {
    if (const Unit* unit = FindUnit(part); unit != nullptr) {
      if (amount < 0) return NotUnderstood(text, part, "has no number before it");
      total += amount * unit->length;
      amount = -1;
      any_unit = true;
      continue;
    }
    if (part == "and" && amount < 0 && any_unit) continue;
    double number = NumberOfWord(part);
    if (number < 0 && (!absl::ascii_isdigit(part[0]) || !absl::SimpleAtod(part, &number))) {
      return NotUnderstood(text, part, "is not a number or a unit of time");
    }
    if (amount >= 0) return NotUnderstood(text, amount_text, "has no unit after it");
    amount = number;
    amount_text = part;
  }
  if (amount >= 0) {
    if (any_unit) return NotUnderstood(text, amount_text, "has no unit after it");
    total = absl::Seconds(amount);
  } else if (!any_unit) {
    return absl::InvalidArgumentError("a duration is empty; write it like '1h 30m'");
  }
  if (total > kDurationMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("duration '", text, "' is longer than 100 years"));
  }
  return total;
}

std::string FormatDuration(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return "for ever";
  if (duration <= absl::ZeroDuration()) return "0.0 s";
  // Rounded first, so that 9.97 s is "10 s" and 59.7 s is "1 min".
  const int64_t tenths = std::llround(absl::ToDoubleSeconds(duration) * 10);
  if (tenths < 100) return absl::StrFormat("%d.%d s", tenths / 10, tenths % 10);
  const int64_t seconds = std::llround(absl::ToDoubleSeconds(duration));
  struct Step {
    int64_t length;
    const char* name;
  };
  constexpr std::array<Step, 4> kSteps = {{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};
  for (size_t i = 0; i + 1 < kSteps.size(); ++i) {
    if (seconds < kSteps[i].length) continue;
    const int64_t rest = seconds % kSteps[i].length / kSteps[i + 1].length;
    std::string result = absl::StrCat(seconds / kSteps[i].length, " ", kSteps[i].name);
    if (rest > 0) absl::StrAppend(&result, " ", rest, " ", kSteps[i + 1].name);
    return result;
  }
  return absl::StrCat(seconds, " s");
}

}  // namespace grange::text
