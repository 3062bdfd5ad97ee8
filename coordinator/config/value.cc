#include "coordinator/config/value.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "coordinator/config/limits.h"

namespace grange::config {
namespace {

// Each in the three ways of writing that YAML 1.1 knows; `y` and `n` are text.
constexpr std::array<absl::string_view, 9> kTrue = {"true", "True", "TRUE", "yes", "Yes",
                                                    "YES",  "on",   "On",   "ON"};
constexpr std::array<absl::string_view, 9> kFalse = {"false", "False", "FALSE", "no", "No",
                                                     "NO",    "off",   "Off",   "OFF"};

bool IsOneOf(absl::string_view text, const std::array<absl::string_view, 9>& words) {
  if (text.size() < 2 || text.size() > 5) return false;
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool LooksLikeNumber(absl::string_view text) {
  if (text.empty() ||
      !(absl::ascii_isdigit(text[0]) || text[0] == '-' || text[0] == '+' || text[0] == '.')) {
    return false;
  }
  const absl::string_view digits = text[0] == '-' || text[0] == '+' ? text.substr(1) : text;
  if (digits == ".inf" || digits == ".Inf" || digits == ".INF" || text == ".nan" ||
      text == ".NaN" || text == ".NAN") {
    return true;
  }
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'b')) {
    return std::all_of(digits.begin() + 2, digits.end(),
                       [](char c) { return absl::ascii_isxdigit(c) || c == '_'; });
  }
  bool any_digit = false;
  bool dot = false;
  for (size_t i = 0; i < digits.size(); ++i) {
    const char c = digits[i];
    if (absl::ascii_isdigit(c)) {
      any_digit = true;
    } else if (c == '.' && !dot) {
      dot = true;
    } else if ((c == 'e' || c == 'E') && any_digit && dot && i + 1 < digits.size()) {
      int exponent;
      return absl::SimpleAtoi(digits.substr(i + 1), &exponent);
    } else if (!(c == '_' && any_digit)) {
      return false;
    }
  }
  return any_digit;
}

}  // namespace

const Entry* Value::Find(absl::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::optional<bool> Value::AsBool() const {
  if (kind != Kind::kScalar || quoted) return std::nullopt;
  if (IsOneOf(text, kTrue)) return true;
  if (IsOneOf(text, kFalse)) return false;
  return std::nullopt;
}

std::optional<int64_t> Value::AsInteger() const {
  int64_t number = 0;
  if (kind != Kind::kScalar || quoted || !LooksLikeNumber(text) ||
      !absl::SimpleAtoi(text, &number)) {
    return std::nullopt;
  }
  return number;
}

bool Value::IsText() const {
  return kind == Kind::kScalar && (quoted || (!AsBool().has_value() && !LooksLikeNumber(text)));
}

absl::string_view Value::KindName() const {
  switch (kind) {
    case Kind::kNull:
      return "empty";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kScalar:
      return IsText() ? "text" : AsBool().has_value() ? "a boolean" : "a number";
  }
  return "";
}

Value* ValueArena::Add(Value::Kind kind, Place place) {
  Value& value = values_.emplace_back();
  value.kind = kind;
  value.place = place;
  return &value;
}

const std::string* ValueArena::AddFile(absl::string_view name) {
  return &files_.emplace_back(name);
}

bool ValueArena::CountMerged(int64_t values) {
  merged_ += values;
  return merged_ <= kVisitsMax;
}

bool ValueArena::CountInterpolated(size_t bytes) {
  interpolated_ += bytes;
  return interpolated_ <= kInterpolatedBytesMax;
}

void CountVisits(Value& value) {
  value.visits = 1;
  value.depth = value.IsList() || value.IsMap() ? 1 : 0;
  const auto add = [&value](const Value& child) {
    value.visits = std::min(value.visits + child.visits, kVisitsMax + 1);
    value.depth = std::max(value.depth, child.depth + 1);
  };
  for (const Value* item : value.items) add(*item);
  for (const Entry& entry : value.entries) add(*entry.value);
}

}  // namespace grange::config
