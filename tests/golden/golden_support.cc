#include "tests/golden/golden_support.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "coordinator/pipeline/graph_json.h"

namespace grange::pipeline {
namespace {

absl::Status ApplyFact(const std::string& name, const std::string& value, TriggerFacts& facts,
                       GoldenTree& tree) {
  if (name == "branch") {
    facts.branch = value;
  } else if (name == "tag") {
    facts.tag = value;
    facts.branch = "";
  } else if (name == "event") {
    const absl::StatusOr<PipelineSource> source = ParsePipelineSource(value);
    if (!source.ok()) return source.status();
    facts.source = *source;
    if (facts.source == PipelineSource::kMergeRequest) facts.branch = "";
  } else if (name == "file") {
    tree.files.push_back(value);
  } else if (name == "changed") {
    if (!tree.changed.has_value()) tree.changed.emplace();
    if (!value.empty()) tree.changed->push_back(value);
  } else if (absl::StartsWith(name, "var:")) {
    facts.pipeline_variables.emplace_back(name.substr(4), value);
  } else if (absl::StartsWith(name, "project-var:")) {
    facts.project_variables.emplace_back(name.substr(12), value);
  } else if (absl::StartsWith(name, "input:")) {
    const bool json = Json::accept(value);
    facts.inputs.emplace_back(name.substr(6), json ? value : Json(value).dump());
  } else {
    return absl::InvalidArgumentError(absl::StrCat("unknown fact '", name, "'"));
  }
  return absl::OkStatus();
}

// What "HOST/PATH/NAME@VERSION" says of itself.
config::ComponentFacts ComponentOf(const std::string& address) {
  config::ComponentFacts facts;
  const size_t at = address.rfind('@'), slash = address.rfind('/', at);
  facts.name = address.substr(slash + 1, at - slash - 1);
  facts.reference = facts.version = address.substr(at + 1);
  return facts;
}

}  // namespace

std::string ReadGoldenFile(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

absl::StatusOr<config::SourceFile> GoldenTree::ReadLocal(absl::string_view path) const {
  const auto found = texts.find(std::string(path));
  if (found != texts.end()) return config::SourceFile{found->first, found->second};
  const std::filesystem::path full = folder / std::string(path);
  if (folder.empty() || !std::filesystem::is_regular_file(full)) {
    return absl::NotFoundError(absl::StrCat("there is no file '", path, "'"));
  }
  return config::SourceFile{std::string(path), ReadGoldenFile(full)};
}

absl::StatusOr<config::IncludedFile> GoldenTree::Read(
    const config::IncludeRequest& request) const {
  config::IncludedFile included;
  std::string path = request.path;
  std::string name = request.path;
  switch (request.kind) {
    case config::IncludeRequest::Kind::kLocal:
      included.origin = request.from;
      if (request.from.empty()) break;
      path = absl::StrCat("project/", request.from, "/", request.path);
      name = absl::StrCat(request.from, ":", request.path);
      break;
    case config::IncludeRequest::Kind::kProject:
      included.origin =
          absl::StrCat(request.project, "@", request.ref.empty() ? "main" : request.ref);
      path = absl::StrCat("project/", included.origin, "/", request.path);
      name = absl::StrCat(included.origin, ":", request.path);
      break;
    case config::IncludeRequest::Kind::kRemote:
      path = absl::StrCat("remote/", absl::StripPrefix(request.path, "https://"));
      break;
    case config::IncludeRequest::Kind::kTemplate:
      path = absl::StrCat("template/", request.path);
      name = absl::StrCat("template:", request.path);
      break;
    case config::IncludeRequest::Kind::kComponent:
      path = absl::StrCat("component/", request.path, ".yml");
      included.component = ComponentOf(request.path);
      break;
  }
  absl::StatusOr<config::SourceFile> file = ReadLocal(path);
  if (!file.ok()) return absl::NotFoundError(absl::StrCat("there is no file '", name, "'"));
  included.file = {.name = name, .text = std::move(file->text)};
  return included;
}

absl::StatusOr<std::vector<std::string>> GoldenTree::Files() const {
  std::vector<std::string> all = files;
  for (const auto& [path, text] : texts) {
    const absl::string_view folder_name = absl::string_view(path).substr(0, path.find('/'));
    const bool elsewhere = folder_name == "project" || folder_name == "remote" ||
                           folder_name == "template" || folder_name == "component";
    if (!elsewhere) all.push_back(path);
  }
  std::sort(all.begin(), all.end());
  return all;
}

absl::StatusOr<std::vector<std::string>> GoldenTree::FilesOfProject(const std::string& project,
                                                                    const std::string& ref) const {
  const std::string prefix = absl::StrCat("project/", project, "@", ref.empty() ? "main" : ref, "/");
  std::vector<std::string> paths;
  for (const auto& [name, text] : texts) {
    absl::string_view path = name;
    if (absl::ConsumePrefix(&path, prefix)) paths.emplace_back(path);
  }
  if (!paths.empty()) return paths;
  if (project == "not/here") {
    return absl::FailedPreconditionError(
        "the files of project 'not/here' are not known here; an option says where they are");
  }
  return absl::NotFoundError(absl::StrCat("there is no project '", project, "'"));
}

absl::StatusOr<std::optional<std::vector<std::string>>> GoldenTree::ChangedFiles(
    absl::string_view compare_to) const {
  if (compare_to == "gone" || compare_to == "no-such-branch") return absl::NotFoundError(absl::StrCat("there is no branch '", compare_to, "'"));
  return changed;
}

CompileResult CompileNoted(const config::SourceFile& root, const GoldenTree& tree,
                           const TriggerFacts& facts) {
  CompileResult result = Compile(root, tree, facts);
  const char* path = std::getenv("GRANGE_COMPILED");  // NOLINT(concurrency-mt-unsafe): one thread
  if (path == nullptr) return result;
  std::ofstream out(path, std::ios::app);
  for (const auto& list : {result.diagnostics, result.not_runnable}) {
    for (const config::Diagnostic& diagnostic : list) out << diagnostic.ToString() << "\n";
  }
  for (const JobDecision& decision : result.decisions) {
    out << decision.job << decision.in << decision.reason << decision.place;
    for (const auto& [name, value] : decision.looked_at) out << name << value.value_or("(null)");
    for (const auto& origin : decision.origins) out << origin.keyword << origin.place;
    out << "\n";
  }
  if (result.config.root != nullptr) out << result.config.Text();
  if (result.graph.has_value()) out << PlanToJson(*result.graph) << "\n";
  return result;
}

TriggerFacts DefaultFacts() {
  TriggerFacts facts;
  facts.branch = "main";
  facts.project = "portal";
  facts.project_path = "web/portal";
  facts.sha = "0123456789abcdef0123456789abcdef01234567";
  return facts;
}

absl::Status ApplyFacts(absl::string_view words, TriggerFacts& facts, GoldenTree& tree) {
  for (const absl::string_view word : absl::StrSplit(words, ' ', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> pair =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    const std::string value = absl::StrReplaceAll(pair.second, {{"%20", " "}});
    const absl::Status status = ApplyFact(pair.first, value, facts, tree);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void ComparePart(const Json& expected, const Json& actual, const std::string& path,
                 std::vector<std::string>& differences) {
  if (expected.is_object() && actual.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      const auto it = actual.find(key);
      if (it == actual.end()) {
        if (!value.is_null()) differences.push_back(absl::StrCat(path, "/", key, ": missing"));
      } else {
        ComparePart(value, *it, absl::StrCat(path, "/", key), differences);
      }
    }
  } else if (expected.is_array() && actual.is_array() && expected.size() == actual.size()) {
    for (size_t i = 0; i < expected.size(); ++i) {
      ComparePart(expected[i], actual[i], absl::StrCat(path, "/", i), differences);
    }
  } else if (expected != actual) {
    differences.push_back(
        absl::StrCat(path, ": expected ", expected.dump(), ", got ", actual.dump()));
  }
}

}  // namespace grange::pipeline
