#include "tools/ctl/compile_facts.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "tools/ctl/exit_code.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/key_value.h"
#include "tools/ctl/repository.h"

namespace grange::ctl {
namespace {

constexpr char kDefaultFile[] = ".gitlab-ci.yml";
constexpr char kDefaultBranch[] = "main";
// Far above the compiler's own limit, whose message names it.
constexpr uint64_t kReadMax = 256 << 20;

bool IsFolder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::StatusOr<config::SourceFile> ReadRoot(const std::string& given) {
  std::string path = given.empty() ? kDefaultFile : given;
  if (IsFolder(path)) path = os::JoinPath(path, kDefaultFile);
  absl::StatusOr<std::string> text = os::ReadFile(path, kReadMax);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(
        absl::StrCat("there is no '", path, "'; name the file to check, or write one"));
  }
  GRANGE_RETURN_IF_ERROR(text.status());
  return config::SourceFile{.name = path, .text = *std::move(text)};
}

// What the checkout around the file says; nothing where there is none.
void AddCheckout(const Repository& repository, pipeline::TriggerFacts& facts) {
  facts.project = repository.Name();
  const std::string default_branch = repository.DefaultBranch();
  const std::string current = repository.CurrentBranch();
  facts.default_branch = !default_branch.empty() ? default_branch
                         : !current.empty()      ? current
                                                 : kDefaultBranch;
  facts.branch = current.empty() ? facts.default_branch : current;
  facts.sha = repository.HeadSha();
  if (facts.sha.empty()) return;
  const std::vector<std::string> parts = absl::StrSplit(
      repository.Show(facts.sha, "%an <%ae>%x00%cI%x00%s%x00%B"), absl::MaxSplits('\0', 3));
  if (parts.size() != 4) return;
  facts.commit_author = parts[0];
  facts.commit_timestamp = parts[1];
  facts.commit_title = parts[2];
  facts.commit_message = parts[3];
}

// What the command line says by itself; before any file is read.
absl::StatusOr<pipeline::TriggerFacts> FactsOfFlags(const CompileOptions& options) {
  if (!options.branch.empty() && !options.tag.empty()) {
    return UsageError("--branch and --tag exclude each other; give one of them");
  }
  pipeline::TriggerFacts facts;
  if (!options.event.empty()) {
    const absl::StatusOr<pipeline::PipelineSource> event =
        pipeline::ParsePipelineSource(options.event);
    if (!event.ok()) return UsageError(absl::StrCat("--event: ", event.status().message()));
    facts.source = *event;
  }
  for (const std::string& text : options.variables) {
    GRANGE_ASSIGN_OR_RETURN(const KeyValue variable, ParseKeyValue("--var", text));
    facts.predefined.push_back(variable);
    facts.pipeline_variables.push_back(variable);
  }
  for (const std::string& text : options.inputs) {
    GRANGE_ASSIGN_OR_RETURN(const KeyValue input, ParseInput(text));
    facts.inputs.push_back(input);
  }
  facts.branch = kDefaultBranch;
  facts.default_branch = kDefaultBranch;
  return facts;
}

// --branch or --tag instead of what is checked out. The ref need not exist yet.
void ReplaceRef(const CompileOptions& options, const absl::StatusOr<Repository>& repository,
                pipeline::TriggerFacts& facts) {
  if (options.branch.empty() && options.tag.empty()) return;
  facts.branch = options.branch;
  facts.tag = options.tag;
  if (!repository.ok()) return;
  const absl::StatusOr<Repository::Ref> ref =
      repository->Resolve(options.tag.empty() ? options.branch : options.tag);
  if (ref.ok()) facts.sha = ref->sha;
}

}  // namespace

absl::StatusOr<KeyValue> ParseInput(absl::string_view text) {
  const size_t equal = text.find('=');
  if (equal == absl::string_view::npos || equal == 0) {
    return UsageError(absl::StrCat("--input takes NAME=VALUE, not '", text, "'"));
  }
  std::string value(text.substr(equal + 1));
  if (!Json::accept(value))
    value = Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
  return KeyValue(text.substr(0, equal), std::move(value));
}

absl::StatusOr<IncludeSources> ReadIncludeSources(const CompileOptions& options) {
  IncludeSources sources;
  for (const std::string& text : options.include_projects) {
    const size_t equal = text.find('=');
    if (equal == std::string::npos || equal == 0 || equal + 1 == text.size()) {
      return UsageError(absl::StrCat("--include-project takes NAME=DIR, not '", text, "'"));
    }
    sources.projects[text.substr(0, equal)] = text.substr(equal + 1);
  }
  for (const std::string& host : options.include_hosts) {
    const absl::Status good = source::CheckRemoteHost(host);
    if (!good.ok()) return UsageError(absl::StrCat("--include-host: ", good.message()));
  }
  sources.templates = options.templates;
  sources.remote = {.hosts = options.include_hosts, .allow_private = options.include_private};
  return sources;
}

absl::StatusOr<CompileInput> ReadCompileInput(const CompileOptions& options,
                                              const std::string& project) {
  CompileInput input;
  GRANGE_ASSIGN_OR_RETURN(input.facts, FactsOfFlags(options));
  GRANGE_ASSIGN_OR_RETURN(input.root, ReadRoot(options.file));
  input.include_root = FolderOf(input.root.name);
  const absl::StatusOr<Repository> repository = Repository::Open(input.include_root);
  if (repository.ok()) {
    AddCheckout(*repository, input.facts);
    input.include_root = repository->root();
  } else {
    input.facts.project = ProjectNameOf(input.include_root);
  }
  if (!project.empty()) input.facts.project = project;
  input.facts.project_path = input.facts.project;
  ReplaceRef(options, repository, input.facts);
  return input;
}

}  // namespace grange::ctl
