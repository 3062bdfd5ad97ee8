#include "coordinator/config/include_loader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/text/glob.h"
#include "coordinator/config/interpolation.h"
#include "coordinator/config/limits.h"
#include "coordinator/config/merge.h"

namespace grange::config {
namespace {

using Kind = IncludeRequest::Kind;

// A pattern of `include:local` in the words of text::GlobMatches(): there "**/" may match no folder
// at all, here it stands for one at least.
std::string IncludePattern(absl::string_view path) {
  return absl::StrReplaceAll(path, {{"**/", "*/**/"}});
}

std::string DisplayName(const IncludeRequest& request) {
  switch (request.kind) {
    case Kind::kProject:
      return absl::StrCat(request.project, request.ref.empty() ? "" : "@", request.ref, ":",
                          request.path);
    case Kind::kTemplate:
      return absl::StrCat("template:", request.path);
    case Kind::kLocal:
    case Kind::kRemote:
    case Kind::kComponent:
      return request.path;
  }
  return "";
}

std::vector<const Value*> ItemsOf(const Value& value) {
  if (value.IsList()) return value.items;
  if (value.IsNull()) return {};
  return {&value};
}

const Value* WithoutInclude(const Value& root, ValueArena& arena) {
  if (root.Find("include") == nullptr) return &root;
  Value* copy = arena.Add(Value::Kind::kMap, root.place);
  for (const Entry& entry : root.entries) {
    if (entry.key != "include") copy->entries.push_back(entry);
  }
  CountVisits(*copy);
  return copy;
}

std::vector<GivenInput> InputsOf(const Entry* inputs) {
  std::vector<GivenInput> given;
  if (inputs == nullptr) return given;
  for (const Entry& entry : inputs->value->entries) {
    given.push_back({entry.key, entry.key_place, entry.value});
  }
  return given;
}

}  // namespace

const Value* IncludeLoader::LoadRoot(const SourceFile& root, std::vector<GivenInput> inputs) {
  const InputGiver giver{.file = root.name, .place = {}, .given = std::move(inputs)};
  open_.push_back({root.name, {}});
  const Value* loaded = Load({.file = root, .origin = {}, .component = {}}, giver, false);
  open_.pop_back();
  return incomplete_ ? nullptr : loaded;
}

// The file with all that it includes; nullptr if it can't be used.
const Value* IncludeLoader::Load(const IncludedFile& file, const InputGiver& giver,
                                 bool is_component) {
  const auto known = [&](const SourceFile& other) { return other.name == file.file.name; };
  if (std::find_if(config_.files.begin(), config_.files.end(), known) == config_.files.end()) {
    config_.files.push_back(file.file);
  }
  const Value* root = Compose(file, giver, is_component);
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
  const Value* below = include == nullptr ? nullptr : LoadIncluded(*include);
  const Value* own = WithoutInclude(*root, *config_.values);
  if (below == nullptr) return own;
  const Value* merged = MergeDeep(below, own, *config_.values);
  if (merged != nullptr && merged->visits <= kVisitsMax) return merged;
  Error(include->key_place,
        absl::StrCat("'include' repeats more than ", kVisitsMax, " values; include less"));
  return nullptr;
}

// The file's own content, its inputs in place.
const Value* IncludeLoader::Compose(const IncludedFile& file, const InputGiver& giver,
                                    bool is_component) {
  const std::optional<YamlDocuments> documents =
      ParseYamlDocuments(file.file, *config_.values, config_.diagnostics);
  if (!documents.has_value()) return nullptr;
  if (documents->header != nullptr) return Content(file, *documents, giver, is_component);
  const Value* content = documents->content;
  const Entry* spec = content->IsMap() ? content->Find("spec") : nullptr;
  if (spec != nullptr) {
    Error(spec->key_place,
          "'spec' must stand in a header, a document of its own at the top of the file; put '---' "
          "between it and the rest");
    return nullptr;
  }
  return ContentWithoutHeader(content, giver);
}

const Value* IncludeLoader::ContentWithoutHeader(const Value* content, const InputGiver& giver) {
  for (const GivenInput& given : giver.given) {
    Error(given.place.value_or(content->place),
          absl::StrCat("'", giver.file, "' has no input '", given.name, "'; it has no header with ",
                       "'spec:inputs' to declare it"));
  }
  if (const Value* found = FindInterpolation(content); found != nullptr) {
    config_.diagnostics.push_back(
        {found->place.Span(), Diagnostic::Severity::kWarning,
         "'$[[ ]]' stays as it is: the file has no header with 'spec:inputs'"});
  }
  return giver.given.empty() ? content : nullptr;
}

const Value* IncludeLoader::Content(const IncludedFile& file, const YamlDocuments& documents,
                                    const InputGiver& giver, bool is_component) {
  FileHeader header;
  bool good = ReadHeader(*documents.header, header, config_.diagnostics);
  if (header.include != nullptr) good = LoadHeaderIncludes(header) && good;
  if (!good) return nullptr;
  std::optional<InputValues> inputs = BindInputs(header, giver, context_, config_.diagnostics);
  if (!inputs.has_value()) return nullptr;
  const InterpolationScope scope{.inputs = *std::move(inputs),
                                 .component_words = header.component_words,
                                 .component = is_component ? &file.component : nullptr,
                                 .expand = [this](absl::string_view text) { return Expand(text); }};
  return Interpolate(documents.content, scope, *config_.values, config_.diagnostics);
}

// All files of an `include`, merged in order; nullptr if there is none.
const Value* IncludeLoader::LoadIncluded(const Entry& include) {
  const Value* merged = nullptr;
  for (const Value* item : ItemsOf(*include.value)) {
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

// The files that one entry of `include` brings. Its rules are asked before anything is read.
std::vector<const Value*> IncludeLoader::LoadItem(const Value& value) {
  const std::optional<IncludeItem> item =
      ReadIncludeItem(value, IncludeForm::kConfiguration, config_.diagnostics);
  incomplete_ = incomplete_ || !item.has_value();
  if (!item.has_value()) return {};
  if (item->rules != nullptr && !context_.Allows(*item->rules, open_.back().from)) return {};
  std::vector<const Value*> files;
  for (const Value* path : item->paths) {
    for (const IncludeRequest& request : RequestsOf(*item, *path)) {
      const std::optional<IncludedFile> file = Read(request, path->place);
      if (!file.has_value()) continue;
      const bool in_repository = request.kind != Kind::kRemote && request.kind != Kind::kTemplate;
      const InputGiver giver{
          .file = file->file.name, .place = item->place, .given = InputsOf(item->inputs)};
      open_.push_back({file->file.name, {file->origin, in_repository}});
      const Value* loaded = Load(*file, giver, request.kind == Kind::kComponent);
      open_.pop_back();
      incomplete_ = incomplete_ || loaded == nullptr;
      if (loaded != nullptr) files.push_back(loaded);
    }
  }
  return files;
}

// What one path of an item asks for: one file, or all that its pattern matches.
std::vector<IncludeRequest> IncludeLoader::RequestsOf(const IncludeItem& item, const Value& path) {
  const OpenFile& here = open_.back();
  absl::StatusOr<IncludeRequest> request =
      ToRequest(item, path, here.from.origin, [this](absl::string_view t) { return Expand(t); });
  if (!request.ok()) {
    Error(path.place, std::string(request.status().message()));
    return {};
  }
  if (request->kind != Kind::kLocal) return {*std::move(request)};
  if (!here.from.in_repository) {
    Error(path.place,
          absl::StrCat("'", here.name, "' belongs to no repository, so it can't include ",
                       "the local file '", request->path,
                       "'; include it with 'project' or 'remote'"));
    return {};
  }
  if (!absl::StrContains(request->path, '*')) return {*std::move(request)};
  const absl::StatusOr<std::vector<std::string>> all = tree_.FilesOf(here.from.origin);
  if (!all.ok()) {
    Error(path.place,
          absl::StrCat("while including '", request->path, "': ", all.status().message()));
    return {};
  }
  const std::string pattern = IncludePattern(request->path);
  std::vector<IncludeRequest> requests;
  for (const std::string& file : *all) {
    if (!text::GlobMatches(pattern, file)) continue;
    requests.push_back(*request);
    requests.back().path = file;
  }
  if (requests.empty()) {
    Error(path.place, absl::StrCat("no file matches the include '", request->path, "'"));
  }
  return requests;
}

// The file, unless a limit is reached, it can't be had, or it is open already.
std::optional<IncludedFile> IncludeLoader::Read(const IncludeRequest& request, Place place) {
  if (++count_ > kIncludesMax) {
    if (count_ == kIncludesMax + 1) {
      Error(place,
            absl::StrCat("more than ", kIncludesMax, " files are included; the limit counts ",
                         "repeated and nested ones"));
    }
    return std::nullopt;
  }
  if (open_.size() > static_cast<size_t>(kIncludeDepthMax)) {
    Error(place, absl::StrCat("includes are nested more than ", kIncludeDepthMax, " deep"));
    return std::nullopt;
  }
  absl::StatusOr<IncludedFile> file = tree_.Read(request);
  if (!file.ok()) {
    Error(place,
          absl::StrCat("while including '", DisplayName(request), "': ", file.status().message()));
    return std::nullopt;
  }
  included_bytes_ += file->file.text.size();
  if (included_bytes_ > kIncludedBytesMax) {
    if (included_bytes_ - file->file.text.size() <= kIncludedBytesMax) {
      Error(place, absl::StrCat("the included files have more than ", kIncludedBytesMax,
                                " bytes together; include less"));
    }
    return std::nullopt;
  }
  const std::string& name = file->file.name;
  const auto is_open = [&name](const OpenFile& other) { return other.name == name; };
  if (std::find_if(open_.begin(), open_.end(), is_open) != open_.end()) {
    const std::string chain = absl::StrJoin(
        open_, " -> ",
        [](std::string* out, const OpenFile& other) { absl::StrAppend(out, other.name); });
    Error(place, absl::StrCat("'", name, "' includes itself: ", chain, " -> ", name));
    return std::nullopt;
  }
  config_.included_at.try_emplace(name, place.Span());
  return *std::move(file);
}

// Adds the inputs of `spec:include` to those of the header, which win. False after an error.
bool IncludeLoader::LoadHeaderIncludes(FileHeader& header) {
  std::vector<InputDeclaration> declarations;
  bool good = true;
  for (const Value* value : ItemsOf(*header.include->value)) {
    const std::optional<IncludeItem> item =
        ReadIncludeItem(*value, IncludeForm::kHeader, config_.diagnostics);
    good = good && item.has_value();
    if (!item.has_value()) continue;
    for (const Value* path : item->paths) {
      const std::vector<IncludeRequest> requests = RequestsOf(*item, *path);
      good = good && !requests.empty();
      for (const IncludeRequest& request : requests) {
        good = LoadHeaderFile(request, path->place, declarations) && good;
      }
    }
  }
  for (InputDeclaration& own : header.inputs) {
    const auto same = [&](const InputDeclaration& other) { return other.name == own.name; };
    const auto at = std::find_if(declarations.begin(), declarations.end(), same);
    if (at == declarations.end()) {
      declarations.push_back(std::move(own));
    } else {
      *at = std::move(own);
    }
  }
  header.inputs = std::move(declarations);
  return good;
}

bool IncludeLoader::LoadHeaderFile(const IncludeRequest& request, Place place,
                                   std::vector<InputDeclaration>& declarations) {
  const std::optional<IncludedFile> file = Read(request, place);
  if (!file.has_value()) return false;
  config_.files.push_back(file->file);
  const Value* content = ParseYaml(file->file, *config_.values, config_.diagnostics);
  if (content == nullptr) return false;
  const Entry* inputs = content->IsMap() ? content->Find("inputs") : nullptr;
  if (inputs == nullptr || content->entries.size() != 1) {
    Error(content->place, "a file of 'spec:include' has one key, 'inputs', and nothing else");
    return false;
  }
  return ReadInputs(*inputs, declarations, config_.diagnostics);
}

std::string IncludeLoader::Expand(absl::string_view text) const {
  return open_.back().from.in_repository ? context_.Expand(text) : std::string(text);
}

void IncludeLoader::Error(Place place, std::string message) {
  incomplete_ = true;
  Report(config_.diagnostics, Diagnostic::Severity::kError, place.Span(), std::move(message));
}

}  // namespace grange::config
