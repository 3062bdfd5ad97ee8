#include "coordinator/config/merged_config.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/config/extends.h"
#include "coordinator/config/include_loader.h"
#include "coordinator/config/limits.h"
#include "coordinator/config/references.h"
#include "coordinator/config/yaml_text.h"
#include "coordinator/config/yaml_tree.h"

namespace grange::config {
namespace {

// JSON is YAML: the limits of files hold for inputs, too.
bool ParseInputs(const std::vector<InputText>& inputs, MergedConfig& config,
                 std::vector<GivenInput>& given) {
  bool good = true;
  for (const InputText& input : inputs) {
    const SourceFile text{.name = absl::StrCat("input '", input.name, "'"), .text = input.json};
    const Value* value = ParseYaml(text, *config.values, config.diagnostics);
    good = good && value != nullptr;
    if (value != nullptr) given.push_back({input.name, std::nullopt, value});
  }
  return good;
}

}  // namespace

std::vector<SourceSpan> MergedConfig::IncludedFrom(const std::string& file) const {
  std::vector<SourceSpan> chain;
  auto at = included_at.find(file);
  while (at != included_at.end() && chain.size() <= static_cast<size_t>(kIncludeDepthMax)) {
    chain.push_back(at->second);
    at = included_at.find(at->second.file);
  }
  return chain;
}

const std::string* MergedConfig::TextOf(absl::string_view file) const {
  for (const SourceFile& known : files) {
    if (known.name == file) return &known.text;
  }
  return nullptr;
}

std::string MergedConfig::Text() const {
  if (root == nullptr) return "";
  Value visible;
  visible.kind = Value::Kind::kMap;
  for (const Entry& entry : root->entries) {
    if (!absl::StartsWith(entry.key, ".")) visible.entries.push_back(entry);
  }
  return ToYaml(visible);
}

MergedConfig LoadConfig(const SourceFile& root, const SourceTree& tree, IncludeContext& context,
                        const std::vector<InputText>& inputs) {
  MergedConfig config;
  config.values = std::make_unique<ValueArena>();
  std::vector<GivenInput> given;
  if (!ParseInputs(inputs, config, given)) return config;
  const Value* merged = IncludeLoader(tree, context, config).LoadRoot(root, std::move(given));
  if (merged != nullptr) {
    merged = ResolveExtends(merged, *config.values, config.diagnostics);
    config.root = ResolveReferences(merged, *config.values, config.diagnostics);
  }
  return config;
}

}  // namespace grange::config
