// submit.
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "coordinator/pipeline/compile.h"
#include "tools/ctl/command.h"
#include "tools/ctl/compile_facts.h"
#include "tools/ctl/git_push.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/key_value.h"
#include "tools/ctl/progress_line.h"
#include "tools/ctl/repository.h"
#include "tools/ctl/request_key.h"
#include "tools/ctl/watch.h"

namespace grange::ctl {
namespace {

constexpr char kDefaultFile[] = ".gitlab-ci.yml";
constexpr int kPushesMax = 3;

struct SubmitOptions {
  std::string source = ".";
  std::string ref;
  std::string file;
  std::string event;
  std::vector<std::string> variables;
  std::vector<std::string> inputs;
  bool dirty = false;
  bool watch = false;
  std::string request_key;
};

absl::Status AddCommon(const SubmitOptions& options, v1::SubmitRequest& request) {
  GRANGE_ASSIGN_OR_RETURN(*request.mutable_request_key(), RequestKey(options.request_key));
  if (!options.event.empty()) {
    const absl::StatusOr<pipeline::PipelineSource> event =
        pipeline::ParsePipelineSource(options.event);
    if (!event.ok()) return UsageError(absl::StrCat("--event: ", event.status().message()));
    const absl::string_view name = pipeline::PipelineSourceName(*event);
    request.set_event(name.data(), name.size());
  }
  request.set_file(options.file);
  for (const std::string& text : options.variables) {
    GRANGE_ASSIGN_OR_RETURN(const KeyValue variable, ParseKeyValue("--var", text));
    v1::Variable* const added = request.add_variables();
    added->set_name(variable.first);
    added->set_value(variable.second);
  }
  for (const std::string& text : options.inputs) {
    GRANGE_ASSIGN_OR_RETURN(const KeyValue input, ParseInput(text));
    v1::Variable* const added = request.add_inputs();
    added->set_name(input.first);
    added->set_value(input.second);
  }
  return absl::OkStatus();
}

absl::Status AddUrl(const SubmitOptions& options, const std::string& project,
                    v1::SubmitRequest& request) {
  if (options.dirty) return UsageError("--dirty needs a directory, not a URL");
  request.set_url(options.source);
  request.set_project(project.empty() ? ProjectNameOfUrl(options.source) : project);
  request.set_is_tag(absl::StartsWith(options.ref, "refs/tags/"));
  request.set_ref_name(options.ref);
  return absl::OkStatus();
}

absl::Status AddCommit(const Repository& repository, const SubmitOptions& options,
                       const std::string& project, v1::SubmitRequest& request) {
  GRANGE_ASSIGN_OR_RETURN(Repository::Ref ref, repository.Resolve(options.ref));
  if (options.dirty) {
    if (ref.is_tag || ref.name != repository.CurrentBranch()) {
      return UsageError(absl::StrCat("--dirty submits what is checked out (branch '",
                                     repository.CurrentBranch(), "'), not '", ref.name,
                                     "'; leave --ref out"));
    }
    GRANGE_ASSIGN_OR_RETURN(ref.sha, repository.CommitWorkTree());
  }
  const std::string file = options.file.empty() ? kDefaultFile : options.file;
  if (!repository.HasFile(ref.sha, file)) {
    return absl::NotFoundError(absl::StrCat(
        "there is no '", file, "' in commit ", ref.sha.substr(0, 12), " of '", ref.name, "'",
        options.dirty ? "; write one" : "; commit one, submit it with --dirty",
        ", or name another file with --file"));
  }
  request.set_sha(ref.sha);
  request.set_ref_name(ref.name);
  request.set_is_tag(ref.is_tag);
  request.set_project(project.empty() ? repository.Name() : project);
  request.set_default_branch(repository.DefaultBranch());
  return absl::OkStatus();
}

// Submits; where the coordinator lacks the commit, sends it and submits again under the same key.
absl::StatusOr<v1::SubmitReply> SubmitWithObjects(Context& context, Client& client,
                                                  const Repository* repository,
                                                  const v1::SubmitRequest& request) {
  for (int pushes = 0;; ++pushes) {
    GRANGE_ASSIGN_OR_RETURN(v1::SubmitReply reply,
                            client.Call(&v1::Control::Stub::Submit, request));
    if (reply.outcome() != v1::SubmitReply::OUTCOME_NEED_OBJECTS) return reply;
    if (repository == nullptr || pushes == kPushesMax) {
      return absl::InternalError(absl::StrCat("the coordinator still lacks commit ", request.sha(),
                                              " after it was sent; look at the coordinator's log"));
    }
    ProgressLine progress(context);
    progress.Show("sending the commit…");
    const absl::Status pushed = PushCommit(
        client, *repository,
        {.project = request.project(), .sha = request.sha(), .on_progress = [&](uint64_t bytes) {
           progress.Show(absl::StrCat("sending the commit… ", BytesText(bytes)));
         }});
    // A cut connection: submitting again waits for the coordinator, then what is missing is sent.
    if (!pushed.ok() && !absl::IsUnavailable(pushed)) return pushed;
    if (!pushed.ok() && pushes + 1 == kPushesMax) return pushed;
  }
}

void PrintReply(Context& context, const v1::SubmitReply& reply, absl::string_view outcome) {
  const auto list = [](const auto& lines) {
    Json json = Json::array();
    for (const std::string& line : lines) json.push_back(line);
    return json;
  };
  context.PrintJson(
      {{"outcome", std::string(outcome)},
       {"pipeline_id", reply.pipeline_id() == 0 ? Json(nullptr) : Json(reply.pipeline_id())},
       {"sha", reply.sha()},
       {"errors", list(reply.errors())},
       {"warnings", list(reply.warnings())}});
}

absl::StatusOr<ExitCode> Finish(Context& context, const SubmitOptions& options,
                                const v1::SubmitReply& reply) {
  for (const std::string& warning : reply.warnings()) {
    for (const absl::string_view line : absl::StrSplit(warning, '\n')) context.Note(line);
  }
  switch (reply.outcome()) {
    case v1::SubmitReply::OUTCOME_CREATED:
      if (options.watch) return WatchPipeline(context, reply.pipeline_id());
      if (context.json()) {
        PrintReply(context, reply, "created");
      } else {
        context.Print(absl::StrCat(reply.pipeline_id(), "\n"));
      }
      return kExitDone;
    case v1::SubmitReply::OUTCOME_NO_JOBS:
      if (context.json()) PrintReply(context, reply, "no_jobs");
      context.Note(
          "no pipeline was made: the rules leave every job out; 'grangectl explain' says why");
      return kExitDone;
    case v1::SubmitReply::OUTCOME_INVALID:
      if (context.json()) PrintReply(context, reply, "invalid");
      for (const std::string& error : reply.errors()) {
        for (const absl::string_view line : absl::StrSplit(error, '\n')) context.PrintError(line);
      }
      return kExitFailed;
    default:
      return absl::InternalError(absl::StrCat("the coordinator gave an answer (", reply.outcome(),
                                              ") that this grangectl does not know; update it"));
  }
}

absl::StatusOr<ExitCode> Submit(Context& context, const SubmitOptions& options) {
  v1::SubmitRequest request;
  GRANGE_RETURN_IF_ERROR(AddCommon(options, request));
  std::optional<Repository> repository;
  if (IsUrl(options.source)) {
    GRANGE_RETURN_IF_ERROR(AddUrl(options, context.globals().project, request));
  } else {
    GRANGE_ASSIGN_OR_RETURN(repository, Repository::Open(options.source));
    GRANGE_RETURN_IF_ERROR(AddCommit(*repository, options, context.globals().project, request));
  }
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(
      const v1::SubmitReply reply,
      SubmitWithObjects(context, *client, repository ? &*repository : nullptr, request));
  return Finish(context, options, reply);
}

}  // namespace

void AddSubmitCommand(const CommandTree& tree) {
  const auto options = std::make_shared<SubmitOptions>();
  CLI::App* command = tree.Add(
      tree.root, "submit", "make a pipeline of a commit and run it",
      "Makes a pipeline of the commit that is checked out in DIR (default: the current directory), "
      "or of a branch or tag given with --ref. The commit is sent to the coordinator, which needs "
      "no access to the repository; with a URL the coordinator fetches it itself. A project of the "
      "directory's or the repository's name is made where there is none; --project names "
      "another.\n\n"
      "Prints the pipeline's id alone on stdout, or, with --watch, follows it as 'grangectl watch' "
      "does. A configuration with errors is printed error by error, with exit status 1.\n\n"
      "Examples:\n  grangectl submit --watch\n  grangectl submit ~/src/portal --ref v1.2\n"
      "  grangectl submit --dirty --var DEPLOY=no\n"
      "  id=$(grangectl submit https://git.example.org/portal.git --ref main)");
  command
      ->add_option("source", options->source,
                   "a directory in a repository, or the URL of a repository")
      ->type_name("DIR|URL");
  command->add_option("--ref", options->ref, "the branch or tag (default: what is checked out)")
      ->type_name("R");
  command->add_option("--file", options->file, "the configuration (default: .gitlab-ci.yml)")
      ->type_name("F");
  command
      ->add_option("--event", options->event,
                   "what CI_PIPELINE_SOURCE says: push (default), schedule, web, api, "
                   "merge_request, trigger, parent_pipeline")
      ->type_name("E");
  command
      ->add_option("--var", options->variables,
                   "a variable of the pipeline, over all others; may be repeated")
      ->type_name("K=V")
      ->allow_extra_args(false);
  command
      ->add_option("--input", options->inputs,
                   "an input of the file's header; the value is JSON, else text; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_flag("--dirty", options->dirty,
                    "with uncommitted and untracked, not ignored, files; changes neither branch, "
                    "index nor stash");
  command->add_flag("--watch", options->watch, "follow the pipeline until it has ended");
  AddRequestKeyOption(command, options->request_key);
  tree.OnRun(command, options, &Submit);
}

}  // namespace grange::ctl
