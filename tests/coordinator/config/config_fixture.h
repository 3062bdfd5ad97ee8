#ifndef GRANGE_TESTS_COORDINATOR_CONFIG_CONFIG_FIXTURE_H_
#define GRANGE_TESTS_COORDINATOR_CONFIG_CONFIG_FIXTURE_H_

#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "coordinator/config/merged_config.h"

namespace grange::config {

// Files in memory, by their display names: "ci/a.yml", "group/name@ref:ci/a.yml", a URL,
// "template:x.yml", "host/path/name@version".
class Files : public EmptyTree {
 public:
  Files(std::initializer_list<std::pair<const std::string, std::string>> files) : files_(files) {}
  Files(const Files&) = delete;

  void Add(const std::string& name, const std::string& text) { files_[name] = text; }

  absl::StatusOr<SourceFile> ReadLocal(absl::string_view path) const override {
    const auto it = files_.find(std::string(path));
    if (it == files_.end()) return absl::NotFoundError(absl::StrCat("no file '", path, "'"));
    return SourceFile{it->first, it->second};
  }
  absl::StatusOr<IncludedFile> Read(const IncludeRequest& request) const override {
    IncludedFile included;
    std::string name = request.path;
    switch (request.kind) {
      case IncludeRequest::Kind::kLocal:
        included.origin = request.from;
        if (!request.from.empty()) name = absl::StrCat(request.from, ":", request.path);
        break;
      case IncludeRequest::Kind::kProject:
        included.origin =
            absl::StrCat(request.project, "@", request.ref.empty() ? "main" : request.ref);
        name = absl::StrCat(included.origin, ":", request.path);
        break;
      case IncludeRequest::Kind::kTemplate:
        name = absl::StrCat("template:", request.path);
        break;
      case IncludeRequest::Kind::kComponent:
        included.component = {"name", "0123", "1.2.0", "~latest"};
        break;
      case IncludeRequest::Kind::kRemote:
        break;
    }
    const absl::StatusOr<SourceFile> file = ReadLocal(name);
    if (!file.ok()) return file.status();
    included.file = *file;
    return included;
  }
  absl::StatusOr<std::vector<std::string>> FilesOf(const Origin& origin) const override {
    std::vector<std::string> paths;
    for (const auto& [name, text] : files_) {
      absl::string_view path = name;
      if (origin.empty() ? !absl::StrContains(path, ':')
                         : absl::ConsumePrefix(&path, absl::StrCat(origin, ":"))) {
        paths.emplace_back(path);
      }
    }
    return paths;
  }

 private:
  std::map<std::string, std::string> files_;
};

// Rules let all files in; the only variable is $HOST; a condition holds if it has the value of its
// one input behind "==".
class PlainContext : public IncludeContext {
 public:
  std::string Expand(absl::string_view text) const override {
    return absl::StrReplaceAll(text, {{"$HOST", "example.com"}});
  }
  bool Allows(const Entry& rules, const IncludingFile&) override { return !rules.value->IsList(); }
  absl::StatusOr<bool> Holds(absl::string_view condition,
                             const InputValues& inputs) const override {
    for (const auto& [name, value] : inputs) {
      if (condition == absl::StrCat("$[[ inputs.", name, " ]] == \"", value->text, "\"")) {
        return true;
      }
    }
    return false;
  }
};

inline MergedConfig Load(const SourceFile& root, const SourceTree& tree,
                         const std::vector<InputText>& inputs = {}) {
  PlainContext context;
  return LoadConfig(root, tree, context, inputs);
}

// All diagnostics, a line each.
inline std::vector<std::string> Messages(const MergedConfig& config) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : config.diagnostics) lines.push_back(diagnostic.ToString());
  return lines;
}

}  // namespace grange::config

#endif  // GRANGE_TESTS_COORDINATOR_CONFIG_CONFIG_FIXTURE_H_
