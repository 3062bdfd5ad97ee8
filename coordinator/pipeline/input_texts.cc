#include "coordinator/pipeline/input_texts.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "coordinator/config/limits.h"

namespace grange::pipeline {
namespace {

using Json = nlohmann::ordered_json;

// How deep lists and maps are nested. The library itself would take any depth, and its writer needs
// stack for each.
int DepthOf(absl::string_view json) {
  int depth = 0;
  int deepest = 0;
  bool in_text = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == '[' || c == '{')) {
      deepest = std::max(deepest, ++depth);
    } else if (!in_text && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

std::vector<config::InputText> ReadInputTexts(
    const std::vector<std::pair<std::string, std::string>>& inputs, const std::string& file,
    Problems& problems) {
  std::vector<config::InputText> texts;
  const config::Place place{&file, 0, 0};
  for (const auto& [name, json] : inputs) {
    if (DepthOf(json) > config::kDepthMax) {
      problems.Error(place, absl::StrCat("input '", name, "' nests lists and maps more than ",
                                         config::kDepthMax, " deep"));
      continue;
    }
    const Json value = Json::parse(json, nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) {
      problems.Error(place, absl::StrCat("input '", name, "' is given as a value that is no JSON; ",
                                         "put text in quotes"));
      continue;
    }
    // Written anew: JSON's own escapes are not all YAML's.
    texts.push_back({name, value.dump(-1, ' ', false, Json::error_handler_t::replace)});
  }
  return texts;
}

}  // namespace grange::pipeline
