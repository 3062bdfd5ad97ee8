#include "coordinator/server/submit.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/graph_json.h"
#include "coordinator/server/assignment.h"
#include "coordinator/server/disconnect_check.h"
#include "coordinator/server/job_limits.h"
#include "coordinator/server/pipeline_book.h"

namespace grange::server {
namespace {

constexpr absl::string_view kDefaultFile = ".gitlab-ci.yml";
constexpr size_t kProjectNameMax = 200;

absl::Status CheckProjectName(const std::string& name) {
  const bool plain =
      !name.empty() && name.size() <= kProjectNameMax && name[0] != '-' && name[0] != '.' &&
      name[0] != '/' && name.back() != '/' && std::all_of(name.begin(), name.end(), [](char c) {
        return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-' || c == '/';
      });
  if (plain) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "a project's name is made of letters, digits and '._-/' and starts with a letter or digit; "
      "give one with --project");
}

// The kept answer of a submit that made no pipeline; else it is the pipeline's id.
constexpr absl::string_view kNoPipeline = "0";

std::vector<store::JobRow> ToRows(const pipeline::PipelineGraph& graph, absl::Time now) {
  std::vector<store::JobRow> rows;
  for (const pipeline::JobPlan& plan : graph.jobs) {
    store::JobRow row;
    row.index = static_cast<int>(rows.size());
    row.name = plan.name;
    row.stage = plan.stage;
    row.stage_index = plan.stage_index;
    row.plan_json = pipeline::JobToJson(plan);
    if (plan.artifacts.has_value()) row.expire_in = plan.artifacts->expire_in;
    row.created_at = now;
    rows.push_back(std::move(row));
  }
  return rows;
}

// With a further line for each file that includes the one that it is about.
std::string TextOf(const config::Diagnostic& diagnostic) {
  return absl::StrCat(diagnostic.ToString(), diagnostic.IncludedFromLines());
}

std::string FailureOf(const std::vector<std::string>& errors) {
  return absl::StrCat("the configuration has ", errors.size(),
                      errors.size() == 1 ? " error: " : " errors; the first: ",
                      errors.front().substr(0, errors.front().find('\n')));
}

}  // namespace

absl::StatusOr<Submitted> Submitter::Submit(const control::SubmitOrder& order) {
  GRANGE_RETURN_IF_ERROR(CheckProjectName(order.project));
  if (!order.ref_name.empty()) GRANGE_RETURN_IF_ERROR(source::CheckRefName(order.ref_name));
  if (order.url.empty() && !source::IsFullSha(order.sha)) {
    return absl::InvalidArgumentError("a submit names its commit by its full SHA");
  }
  std::map<std::string, std::string> settings;
  if (!order.default_branch.empty() && source::CheckRefName(order.default_branch).ok()) {
    settings["default-branch"] = order.default_branch;
  }
  GRANGE_ASSIGN_OR_RETURN(const store::Project project,
                          store_.FindOrMakeProject(order.project, settings));
  if (!order.request_key.empty()) {
    GRANGE_ASSIGN_OR_RETURN(const std::optional<std::string> earlier,
                            store_.FindAnswer(order.request_key));
    if (earlier.has_value()) {
      GRANGE_ASSIGN_OR_RETURN(const control::SubmitAnswer answer, Earlier(*earlier, project.id));
      return Submitted{.answer = answer, .event = {}};
    }
  }
  // What is found there now stays until the pipeline is stored, and then for its sake.
  const source::MirrorGate::Use hold = mirrors_.Hold(project.id);
  if (!order.url.empty()) {
    GRANGE_ASSIGN_OR_RETURN(const source::GitMirrors::Fetched fetched,
                            mirrors_.Fetch(project.id, order.url, order.ref_name));
    control::SubmitOrder fixed = order;
    fixed.sha = fetched.sha;
    fixed.ref_name = fetched.ref_name;
    fixed.is_tag = fetched.is_tag;
    return Create(fixed, project);
  }
  if (!mirrors_.HasCommit(project.id, order.sha)) {
    GRANGE_RETURN_IF_ERROR(mirrors_.Ensure(project.id).status());
    return Submitted{.answer = {.outcome = control::SubmitAnswer::Outcome::kNeedObjects,
                                .pipeline = {},
                                .project = project.id,
                                .sha = order.sha,
                                .errors = {},
                                .warnings = {}},
                     .event = {}};
  }
  return Create(order, project);
}

absl::StatusOr<control::SubmitAnswer> Submitter::Earlier(const std::string& text,
                                                         ProjectId project) {
  int64_t id = 0;
  if (!absl::SimpleAtoi(text, &id)) {
    return absl::AlreadyExistsError("this request key was used for another command");
  }
  control::SubmitAnswer answer;
  answer.project = project;
  answer.pipeline = PipelineId(id);
  if (!answer.pipeline.is_set()) {
    answer.outcome = control::SubmitAnswer::Outcome::kNoJobs;
    return answer;
  }
  GRANGE_ASSIGN_OR_RETURN(const store::PipelineRow row, store_.GetPipeline(answer.pipeline));
  answer.outcome = row.errors.empty() ? control::SubmitAnswer::Outcome::kCreated
                                      : control::SubmitAnswer::Outcome::kInvalid;
  answer.sha = row.commit.sha;
  answer.errors = row.errors;
  answer.warnings = row.warnings;
  return answer;
}

absl::StatusOr<Submitted> Submitter::Create(const control::SubmitOrder& order,
                                            const store::Project& project) {
  const absl::Time now = clock_.Now();
  const std::string file = order.file.empty() ? std::string(kDefaultFile) : order.file;
  store::PipelineRow row;
  row.project = project.id;
  row.project_name = project.name;
  GRANGE_ASSIGN_OR_RETURN(row.commit, mirrors_.ReadCommit(project.id, order.sha));
  row.ref_name = order.ref_name;
  row.is_tag = order.is_tag;
  GRANGE_ASSIGN_OR_RETURN(
      const pipeline::PipelineSource source,
      pipeline::ParsePipelineSource(order.event.empty() ? "push" : order.event));
  row.source = std::string(pipeline::PipelineSourceName(source));
  row.before_sha = order.before_sha;
  if (row.before_sha.empty() && source == pipeline::PipelineSource::kPush && !order.is_tag) {
    GRANGE_ASSIGN_OR_RETURN(row.before_sha,
                            store_.CommitBefore(project.id, order.ref_name, order.sha));
  }
  row.variables = order.variables;
  row.created_at = now;
  absl::StatusOr<std::string> text =
      mirrors_.ReadFile(project.id, order.sha, file, kConfigBytesMax);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(absl::StrCat("commit ", order.sha.substr(0, 8), " has no file '",
                                            file, "'; commit one, or name another with --file"));
  }
  GRANGE_RETURN_IF_ERROR(text.status());

  pipeline::TriggerFacts facts = ToTriggerFacts(row, project, server_url_());
  facts.predefined.emplace_back("CI_CONFIG_PATH", file);
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::ProjectVariable> variables,
                          store_.ListVariables(project.id));
  for (const store::ProjectVariable& variable : variables) {
    facts.project_variables.emplace_back(variable.name, std::string(variable.value.Open()));
    if (variable.masked) facts.masked.push_back(variable.name);
  }
  facts.inputs = order.inputs;
  source::RemoteFiles remote(includes_.remote);
  const pipeline::CompileResult compiled =
      pipeline::Compile({.name = file, .text = *std::move(text)},
                        CommitTree({.store = store_,
                                    .mirrors = mirrors_,
                                    .remote = remote,
                                    .options = includes_,
                                    .server_url = server_url_()},
                                   project.id, order.sha, row.before_sha),
                        facts);

  Submitted submitted;
  control::SubmitAnswer& answer = submitted.answer;
  answer.project = project.id;
  answer.sha = order.sha;
  for (const config::Diagnostic& diagnostic : compiled.diagnostics) {
    const bool error = diagnostic.severity == config::Diagnostic::Severity::kError;
    (error ? row.errors : row.warnings).push_back(TextOf(diagnostic));
  }
  for (const config::Diagnostic& diagnostic : compiled.not_runnable) {
    row.errors.push_back(TextOf(diagnostic));
  }
  if (compiled.graph.has_value()) {
    const DisconnectFindings findings =
        CheckDisconnect(file, compiled.graph->jobs, project.settings);
    row.errors.insert(row.errors.end(), findings.errors.begin(), findings.errors.end());
    row.warnings.insert(row.warnings.end(), findings.warnings.begin(), findings.warnings.end());
    const std::vector<std::string> limits = CheckLimits(file, compiled.graph->jobs);
    row.errors.insert(row.errors.end(), limits.begin(), limits.end());
  }
  answer.errors = row.errors;
  answer.warnings = row.warnings;
  std::vector<store::JobRow> jobs;
  if (!compiled.graph.has_value() || !row.errors.empty()) {
    if (row.errors.empty()) row.errors.push_back("this pipeline can't be created");
    answer.outcome = control::SubmitAnswer::Outcome::kInvalid;
    row.state = lifecycle::PipelineState::kFailed;
    row.started_at = row.finished_at = now;
    row.failure = FailureOf(row.errors);
  } else if (compiled.graph->jobs.empty()) {
    answer.outcome = control::SubmitAnswer::Outcome::kNoJobs;
    if (!order.request_key.empty()) {
      GRANGE_RETURN_IF_ERROR(store_.PutAnswer(order.request_key, kNoPipeline));
    }
    return submitted;
  } else {
    answer.outcome = control::SubmitAnswer::Outcome::kCreated;
    row.name = compiled.graph->name;
    row.stages = compiled.graph->stages;
    jobs = ToRows(*compiled.graph, now);
  }
  // Before the rows are durable: a pipeline's commit must never be swept away.
  GRANGE_RETURN_IF_ERROR(mirrors_.Pin(project.id, order.sha, order.ref_name, order.is_tag));
  std::optional<std::string> earlier;
  GRANGE_RETURN_IF_ERROR(
      store_.CreatePipeline(row, jobs, order.request_key, &earlier, order.actor));
  if (earlier.has_value()) {
    GRANGE_ASSIGN_OR_RETURN(answer, Earlier(*earlier, project.id));
    return submitted;
  }
  answer.pipeline = row.id;
  log::Info("pipeline_created", {{"pipeline", row.id},
                                 {"project", project.name},
                                 {"sha", order.sha},
                                 {"jobs", int(jobs.size())},
                                 {"errors", int(row.errors.size())}});
  if (!jobs.empty()) {
    PipelineFacts known{.row = row, .project = project, .plans = {}};
    for (size_t i = 0; i < jobs.size(); ++i) {
      known.plans[jobs[i].id] = std::move(compiled.graph->jobs[i]);
    }
    submitted.event = ToEvent(known, jobs, variables);
    book_.Put(std::move(known));
  }
  return submitted;
}

}  // namespace grange::server
