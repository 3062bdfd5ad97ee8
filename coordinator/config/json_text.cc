#include "coordinator/config/json_text.h"

#include <utility>

#include "absl/strings/str_format.h"

namespace grange::config {
namespace {

class Writer {
 public:
  explicit Writer(size_t bytes_max) : bytes_max_(bytes_max) {}

  // False once the text is too long. Recurses as deep as values are nested.
  bool Write(const Value& value) {
    switch (value.kind) {
      case Value::Kind::kNull:
        out_ += "null";
        break;
      case Value::Kind::kScalar:
        WriteScalar(value);
        break;
      case Value::Kind::kList:
        return WriteList(value);
      case Value::Kind::kMap:
        return WriteMap(value);
    }
    return out_.size() <= bytes_max_;
  }

  std::string Take() && { return std::move(out_); }

 private:
  void WriteScalar(const Value& value) {
    if (const std::optional<bool> boolean = value.AsBool(); boolean.has_value()) {
      out_ += *boolean ? "true" : "false";
    } else if (value.IsText()) {
      WriteText(value.text);
    } else {
      out_ += value.text;
    }
  }

  bool WriteList(const Value& list) {
    out_ += '[';
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) out_ += ',';
      if (!Write(*list.items[i])) return false;
    }
    out_ += ']';
    return out_.size() <= bytes_max_;
  }

  bool WriteMap(const Value& map) {
    out_ += '{';
    for (size_t i = 0; i < map.entries.size(); ++i) {
      if (i > 0) out_ += ',';
      WriteText(map.entries[i].key);
      out_ += ':';
      if (!Write(*map.entries[i].value)) return false;
    }
    out_ += '}';
    return out_.size() <= bytes_max_;
  }

  void WriteText(absl::string_view text) {
    out_ += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (c == '\n') {
        out_ += "\\n";
      } else if (static_cast<unsigned char>(c) < 0x20) {
        absl::StrAppendFormat(&out_, "\\u%04x", static_cast<unsigned char>(c));
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  const size_t bytes_max_;
  std::string out_;
};

}  // namespace

std::optional<std::string> ToJson(const Value& value, size_t bytes_max) {
  Writer writer(bytes_max);
  if (!writer.Write(value)) return std::nullopt;
  return std::move(writer).Take();
}

}  // namespace grange::config
