#include "coordinator/config/yaml_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "coordinator/config/limits.h"

namespace grange::config {
namespace {

constexpr size_t kIndent = 2;
// The parser takes "key:" within this many bytes only; a longer key needs a "? ".
constexpr size_t kSimpleKeyMax = 1000;

bool IsNullWord(absl::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7F;
  });
}

// Characters that YAML may take for line ends or marks at some place: U+0085, U+2028, U+2029,
// U+FEFF.
bool HasOddBreak(absl::string_view text) {
  return absl::StrContains(text, "\xC2\x85") || absl::StrContains(text, "\xE2\x80\xA8") ||
         absl::StrContains(text, "\xE2\x80\xA9") || absl::StrContains(text, "\xEF\xBB\xBF");
}

// Whether the characters alone can stand without quotes, on one line, whatever they then mean.
bool IsPlain(absl::string_view text) {
  constexpr absl::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`";
  if (text.empty() || !IsPrintable(text) || HasOddBreak(text)) return false;
  if (text.front() == ' ' || text.back() == ' ') return false;
  if (absl::StrContains(kIndicators, text[0])) {
    // A sign, such as of a number, or an option of a command.
    if (text[0] != '-' || text.size() == 1 || !absl::ascii_isalnum(text[1])) return false;
  }
  if (absl::StartsWith(text, "---") || absl::StartsWith(text, "...") || text == "<<" ||
      text == "=") {
    return false;
  }
  if (text.find_first_of("[]{},") != absl::string_view::npos) return false;
  return !absl::StrContains(text, ": ") && !absl::StrContains(text, " #") && text.back() != ':';
}

// Whether the text, which has a line feed, can be written as a block: each line as it is.
bool FitsBlock(absl::string_view text) {
  if (text.empty() || HasOddBreak(text)) return false;
  bool first = true;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    for (const char c : line) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\t') || byte == 0x7F) return false;
    }
    const bool blank = absl::StripAsciiWhitespace(line).empty();
    if (blank && !line.empty()) return false;
    if (first && (line.empty() || line[0] == ' ' || line[0] == '\t')) return false;
    if (!line.empty() && line[0] == '\t') return false;
    first = false;
  }
  return true;
}

class Writer {
 public:
  std::string Write(const Value& value) {
    if (value.IsList() && !value.items.empty() && !value.reference) {
      WriteItems(value, 0, false);
    } else if (value.IsMap() && !value.entries.empty()) {
      WriteEntries(value, 0, false);
    } else {
      WriteInline(value, 0);
      out_ += '\n';
    }
    if (Full()) {
      absl::StrAppend(&out_, "# cut here: the text has more than ", kYamlTextMax, " bytes\n");
    }
    return std::move(out_);
  }

 private:
  bool Full() const { return out_.size() > kYamlTextMax; }

  // Each at the column `indent`; the first one stands behind what is written already if `behind`.
  void WriteItems(const Value& list, size_t indent, bool behind) {
    for (const Value* item : list.items) {
      if (Full()) return;
      if (!behind) out_.append(indent, ' ');
      behind = false;
      out_ += '-';
      WriteBelow(*item, indent, true);
    }
  }

  void WriteEntries(const Value& map, size_t indent, bool behind) {
    for (const Entry& entry : map.entries) {
      if (Full()) return;
      if (!behind) out_.append(indent, ' ');
      behind = false;
      const std::string key = Key(entry.key);
      if (key.size() > kSimpleKeyMax) {
        absl::StrAppend(&out_, "? ", key, "\n", std::string(indent, ' '), ":");
      } else {
        absl::StrAppend(&out_, key, ":");
      }
      WriteBelow(*entry.value, indent, false);
    }
  }

  // A value behind "-" or "key:", which stand at the column `indent`.
  void WriteBelow(const Value& value, size_t indent, bool behind_dash) {
    const bool list = value.IsList() && !value.items.empty() && !value.reference;
    const bool map = value.IsMap() && !value.entries.empty();
    if (!list && !map) {
      out_ += ' ';
      WriteInline(value, indent);
      out_ += '\n';
      return;
    }
    out_ += behind_dash ? ' ' : '\n';
    if (list) {
      WriteItems(value, indent + kIndent, behind_dash);
    } else {
      WriteEntries(value, indent + kIndent, behind_dash);
    }
  }

  void WriteInline(const Value& value, size_t indent) {
    switch (value.kind) {
      case Value::Kind::kNull:
        out_ += "null";
        return;
      case Value::Kind::kScalar:
        return WriteScalar(value, indent);
      case Value::Kind::kList:
        return WriteFlow(value);
      case Value::Kind::kMap:
        out_ += "{}";
        return;
    }
  }

  // An empty list, or the path of a reference that could not be resolved.
  void WriteFlow(const Value& list) {
    out_ += list.reference ? "!reference [" : "[";
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_ += ", ";
      const Value& item = *list.items[i];
      if (item.IsList()) {
        WriteFlow(item);
      } else {
        out_ += item.IsText() || !item.IsScalar() ? Quoted(item.text) : item.text;
      }
    }
    out_ += ']';
  }

  void WriteScalar(const Value& value, size_t indent) {
    if (!value.IsText()) {
      out_ += value.text;
    } else if (absl::StrContains(value.text, '\n') && FitsBlock(value.text)) {
      WriteBlock(value.text, indent + kIndent);
    } else {
      out_ += Key(value.text);
    }
  }

  void WriteBlock(absl::string_view text, size_t indent) {
    const bool ends = absl::EndsWith(text, "\n");
    out_ += !ends ? "|-" : absl::EndsWith(text, "\n\n") ? "|+" : "|";
    if (ends) text.remove_suffix(1);
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      out_ += '\n';
      if (!line.empty()) absl::StrAppend(&out_, std::string(indent, ' '), line);
    }
  }

  // Text on one line, in quotes where it would mean something else without.
  static std::string Key(const std::string& text) {
    Value plain;
    plain.kind = Value::Kind::kScalar;
    plain.text = text;
    return IsPlain(text) && !IsNullWord(text) && plain.IsText() ? text : Quoted(text);
  }

  static std::string Quoted(absl::string_view text) {
    std::string out = "\"";
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (c == '\n') {
        out += "\\n";
      } else if (c == '\t') {
        out += "\\t";
      } else if (byte < 0x20 || byte == 0x7F) {
        absl::StrAppendFormat(&out, "\\x%02X", byte);
      } else if (const absl::string_view odd = OddBreakAt(text, i); !odd.empty()) {
        absl::StrAppend(&out, odd);
        i += odd == "\\x85" ? 1 : 2;
      } else {
        out += c;
      }
    }
    return out + "\"";
  }

  // How to write the odd break that starts at `i`, or "".
  static absl::string_view OddBreakAt(absl::string_view text, size_t i) {
    const absl::string_view rest = text.substr(i);
    if (absl::StartsWith(rest, "\xC2\x85")) return "\\x85";
    if (absl::StartsWith(rest, "\xE2\x80\xA8")) return "\\u2028";
    if (absl::StartsWith(rest, "\xE2\x80\xA9")) return "\\u2029";
    if (absl::StartsWith(rest, "\xEF\xBB\xBF")) return "\\uFEFF";
    return "";
  }

  std::string out_;
};

}  // namespace

std::string ToYaml(const Value& value) { return Writer().Write(value); }

}  // namespace grange::config
