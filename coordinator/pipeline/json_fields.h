#ifndef GRANGE_COORDINATOR_PIPELINE_JSON_FIELDS_H_
#define GRANGE_COORDINATOR_PIPELINE_JSON_FIELDS_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

// What the writers and readers of docs/formats/plan-json.md share. For graph_json*.cc alone.
namespace grange::pipeline {

using Json = nlohmann::ordered_json;

// Bytes that are no UTF-8 (they can only come from a variable's value) are replaced, never thrown.
inline std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

inline Json TextOrNull(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

// Seconds; the resolution of a duration in a configuration is a nanosecond at best.
inline double Seconds(absl::Duration duration) { return absl::ToDoubleSeconds(duration); }

// Reads fields of one object; what has another type than expected is remembered as the error.
class FieldReader {
 public:
  FieldReader(const Json& object, std::string* error) : object_(object), error_(error) {
    if (!object.is_object() && error->empty()) *error = "a map is expected where there is none";
  }

  // nullptr if the field is missing or null.
  const Json* Find(const char* name) const {
    if (!object_.is_object()) return nullptr;
    const auto it = object_.find(name);
    return it == object_.end() || it->is_null() ? nullptr : &*it;
  }

  void Text(const char* name, std::string& target) const {
    if (const Json* value = Typed(name, &Json::is_string)) target = value->get<std::string>();
  }
  void Bool(const char* name, bool& target) const {
    if (const Json* value = Typed(name, &Json::is_boolean)) target = value->get<bool>();
  }
  void Integer(const char* name, int& target) const {
    if (const Json* value = Typed(name, &Json::is_number_integer)) target = value->get<int>();
  }
  std::optional<absl::Duration> DurationField(const char* name) const {
    const Json* value = Typed(name, &Json::is_number);
    if (value == nullptr) return std::nullopt;
    return absl::Seconds(value->get<double>());
  }
  void Texts(const char* name, std::vector<std::string>& target) const {
    ForEach(name, [&](const Json& item) {
      if (!item.is_string()) return Fail(name);
      target.push_back(item.get<std::string>());
    });
  }
  void Integers(const char* name, std::vector<int>& target) const {
    ForEach(name, [&](const Json& item) {
      if (!item.is_number_integer()) return Fail(name);
      target.push_back(item.get<int>());
    });
  }
  template <typename Visit>
  void ForEach(const char* name, const Visit& visit) const {
    const Json* list = Typed(name, &Json::is_array);
    if (list == nullptr) return;
    for (const Json& item : *list) visit(item);
  }

  // With each name and value of a map, in its order.
  template <typename Visit>
  void ForEachField(const char* name, const Visit& visit) const {
    const Json* map = Typed(name, &Json::is_object);
    if (map == nullptr) return;
    for (const auto& [key, value] : map->items()) visit(key, value);
  }

  void Fail(const char* name) const {
    if (error_->empty()) *error_ = absl::StrCat("field '", name, "' has an unexpected type");
  }

 private:
  const Json* Typed(const char* name, bool (Json::*is)() const noexcept) const {
    const Json* value = Find(name);
    if (value == nullptr) return nullptr;
    if ((value->*is)()) return value;
    Fail(name);
    return nullptr;
  }

  const Json& object_;
  std::string* error_;
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_JSON_FIELDS_H_
