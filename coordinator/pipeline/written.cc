#include "coordinator/pipeline/written.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "coordinator/pipeline/json_fields.h"

namespace grange::pipeline {
namespace {

Json ScalarToJson(const config::Value& value) {
  if (value.IsText()) return value.text;
  if (const std::optional<bool> truth = value.AsBool(); truth.has_value()) return *truth;
  if (const std::optional<int64_t> number = value.AsInteger(); number.has_value()) return *number;
  double number = 0;
  if (absl::SimpleAtod(absl::StrReplaceAll(value.text, {{"_", ""}}), &number) &&
      std::isfinite(number)) {
    return number;
  }
  return value.text;  // what JSON has no number for, such as .inf
}

// As deep as the file: at most config::kDepthMax.
Json ToJson(const config::Value& value) {
  switch (value.kind) {
    case config::Value::Kind::kNull:
      return nullptr;
    case config::Value::Kind::kScalar:
      return ScalarToJson(value);
    case config::Value::Kind::kList: {
      Json list = Json::array();
      for (const config::Value* item : value.items) list.push_back(ToJson(*item));
      return list;
    }
    case config::Value::Kind::kMap: {
      Json::object_t map;
      Json::object_t::Container& entries = map;  // so that no key is looked for: [] is linear
      for (const config::Entry& entry : value.entries) {
        entries.emplace_back(entry.key, ToJson(*entry.value));
      }
      return map;
    }
  }
  return nullptr;
}

}  // namespace

Written ToWritten(const config::Value& value) { return {Dump(ToJson(value))}; }

size_t TextBytes(const config::Value& value) {
  size_t bytes = value.text.size();
  for (const config::Value* item : value.items) bytes += TextBytes(*item);
  for (const config::Entry& entry : value.entries) {
    bytes += entry.key.size() + TextBytes(*entry.value);
  }
  return bytes;
}

Written WrittenPair(const std::string& key, const std::string& text) {
  return {Dump({{key, text}})};
}

}  // namespace grange::pipeline
