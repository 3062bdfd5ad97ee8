#include "coordinator/config/merged_config.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/text/edit_distance.h"
#include "common/text/glob.h"
#include "coordinator/config/extends.h"
#include "coordinator/config/limits.h"
#include "coordinator/config/merge.h"
#include "coordinator/config/references.h"
#include "coordinator/config/yaml_tree.h"

namespace grange::config {
namespace {

constexpr std::array<absl::string_view, 7> kIncludeKeywordsRefused = {
    "project", "file", "ref", "remote", "template", "component", "inputs"};

// A pattern of `include:local` in the words of text::GlobMatches(): there "**/" may match no folder
// at all, here it stands for one at least.
std::string IncludePattern(absl::string_view path) {
  return absl::StrReplaceAll(path, {{"**/", "*/**/"}});
}

// Follows `include` from the root file, each file's own includes merged in before it.
class Loader {
 public:
  Loader(const SourceTree& tree, IncludeContext& context, MergedConfig& config)
      : tree_(tree), context_(context), config_(config) {}

  // nullptr if the file, or one that it includes, can't be used.
  const Value* Load(const SourceFile& file) {
    const Value* root = ParseYaml(file, *config_.values, config_.diagnostics);
    if (root == nullptr) return nullptr;
    if (!root->IsMap()) {
      Error(root->place,
            root->IsNull()
                ? std::string("the file is empty; it needs at least one job, a map with 'script'")
                : absl::StrCat("the file must be a map from names to jobs, but it is ",
                               root->KindName()));
      return nullptr;
    }
    const Entry* include = root->Find("include");
    if (include == nullptr) return root;
    open_.push_back(file.name);
    const Value* below = LoadIncluded(*include);
    open_.pop_back();
    const Value* own = WithoutInclude(*root);
    if (below == nullptr) return own;
    const Value* merged = MergeDeep(below, own, *config_.values);
    if (merged != nullptr && merged->visits <= kVisitsMax) return merged;
    Error(include->key_place,
          absl::StrCat("'include' repeats more than ", kVisitsMax, " values; include less"));
    return nullptr;
  }

 private:
  // All files of an `include`, merged in order; nullptr if there is none.
  const Value* LoadIncluded(const Entry& include) {
    std::vector<const Value*> items = {include.value};
    if (include.value->IsList()) items = include.value->items;
    const Value* merged = nullptr;
    for (const Value* item : items) {
      for (const Value* file : LoadItem(*item)) {
        merged = merged == nullptr ? file : MergeDeep(merged, file, *config_.values);
        if (merged != nullptr) continue;
        Error(include.key_place,
              absl::StrCat("'include' repeats more than ", kVisitsMax, " values; include less"));
        return nullptr;
      }
    }
    return merged;
  }

  // The value that holds the path of a local include; nullptr, with an error, for other forms.
  const Value* LocalPath(const Value& item) {
    if (item.IsScalar()) {
      if (absl::StartsWith(item.text, "http://") || absl::StartsWith(item.text, "https://")) {
        Error(item.place, "'include:remote' is not supported yet");
        return nullptr;
      }
      return &item;
    }
    if (!item.IsMap()) {
      Error(item.place, absl::StrCat("'include' takes a path, a map such as {local: path}, or a "
                                     "list of these, but this is ",
                                     item.KindName()));
      return nullptr;
    }
    bool refused = false;
    for (const Entry& entry : item.entries) {
      if (entry.key == "local" || entry.key == "rules") continue;
      refused = true;
      if (std::find(kIncludeKeywordsRefused.begin(), kIncludeKeywordsRefused.end(), entry.key) !=
          kIncludeKeywordsRefused.end()) {
        Error(entry.key_place, absl::StrCat("'include:", entry.key, "' is not supported yet"));
      } else {
        Error(entry.key_place,
              absl::StrCat("unknown keyword '", entry.key, "' in 'include'",
                           text::DidYouMean(entry.key, {"local", "project", "remote", "template",
                                                        "component"})));
      }
    }
    if (refused) return nullptr;
    const Entry* local = item.Find("local");
    if (local == nullptr || !local->value->IsScalar()) {
      Error(item.place, "'include:local' needs the path of a file below the repository's root");
      return nullptr;
    }
    return local->value;
  }

  // The files that one entry of `include` brings, each already read.
  std::vector<const Value*> LoadItem(const Value& item) {
    const Value* path = LocalPath(item);
    if (path == nullptr) return {};
    if (const Entry* rules = item.IsMap() ? item.Find("rules") : nullptr;
        rules != nullptr && !context_.Allows(*rules)) {
      return {};
    }
    std::vector<const Value*> files;
    for (const std::string& name : PathsOf(*path)) {
      if (const Value* file = LoadLocal(*path, name); file != nullptr) files.push_back(file);
    }
    return files;
  }

  // What the path means once its variables are known: itself, or all files that it matches.
  std::vector<std::string> PathsOf(const Value& value) {
    const std::string expanded = context_.Expand(value.text);
    const std::string path(absl::StripPrefix(expanded, "/"));
    if (!absl::EndsWith(path, ".yml") && !absl::EndsWith(path, ".yaml")) {
      Error(value.place, absl::StrCat("include '", path, "' must end in '.yml' or '.yaml'"));
      return {};
    }
    if (!absl::StrContains(path, '*')) return {path};
    const absl::StatusOr<std::vector<std::string>> all = tree_.Files();
    if (!all.ok()) {
      Error(value.place, absl::StrCat("while including '", path, "': ", all.status().message()));
      return {};
    }
    const std::string pattern = IncludePattern(path);
    std::vector<std::string> paths;
    for (const std::string& file : *all) {
      if (text::GlobMatches(pattern, file)) paths.push_back(file);
    }
    if (paths.empty()) Error(value.place, absl::StrCat("no file matches the include '", path, "'"));
    return paths;
  }

  const Value* LoadLocal(const Value& value, const std::string& path) {
    if (++count_ > kIncludesMax) {
      if (count_ == kIncludesMax + 1) {
        Error(value.place, absl::StrCat("more than ", kIncludesMax, " files are included"));
      }
      return nullptr;
    }
    if (std::find(open_.begin(), open_.end(), path) != open_.end()) {
      Error(value.place, absl::StrCat("'", path, "' includes itself: ",
                                      absl::StrJoin(open_, " -> "), " -> ", path));
      return nullptr;
    }
    const absl::StatusOr<SourceFile> file = tree_.ReadLocal(path);
    if (!file.ok()) {
      Error(value.place, absl::StrCat("while including '", path, "': ", file.status().message()));
      return nullptr;
    }
    return Load({path, file->text});
  }

  void Error(Place place, std::string message) {
    config_.diagnostics.push_back({place.Span(), Diagnostic::Severity::kError, std::move(message)});
  }

  const Value* WithoutInclude(const Value& root) {
    Value* copy = config_.values->Add(Value::Kind::kMap, root.place);
    for (const Entry& entry : root.entries) {
      if (entry.key != "include") copy->entries.push_back(entry);
    }
    CountVisits(*copy);
    return copy;
  }

  const SourceTree& tree_;
  IncludeContext& context_;
  MergedConfig& config_;
  std::vector<std::string> open_;
  int count_ = 0;
};

}  // namespace

MergedConfig LoadConfig(const SourceFile& root, const SourceTree& tree, IncludeContext& context) {
  MergedConfig config;
  config.values = std::make_unique<ValueArena>();
  const Value* merged = Loader(tree, context, config).Load(root);
  if (merged != nullptr) {
    merged = ResolveExtends(merged, *config.values, config.diagnostics);
    config.root = ResolveReferences(merged, *config.values, config.diagnostics);
  }
  return config;
}

}  // namespace grange::config
