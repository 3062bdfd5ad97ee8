#include "coordinator/server/assignment.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/text/duration_text.h"
#include "common/text/size_text.h"
#include "coordinator/server/job_limits.h"
#include "coordinator/server/removed_artifacts.h"

namespace grange::server {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Hours(1);
constexpr int kDefaultDepth = 20;
constexpr int kDepthMax = 1'000'000;

std::string Setting(const store::Project& project, const std::string& key,
                    const std::string& otherwise) {
  const auto found = project.settings.find(key);
  return found == project.settings.end() || found->second.empty() ? otherwise : found->second;
}

// Of equal names the last one counts, as for the job itself.
std::string ValueOf(const std::vector<session::SpecVariable>& variables, absl::string_view name) {
  for (auto it = variables.rbegin(); it != variables.rend(); ++it) {
    if (it->name == name) return it->value;
  }
  return "";
}

// What goes with the start and is never written down: masked ones, and files, which mostly are keys.
bool IsSecret(const store::ProjectVariable& variable) { return variable.masked || variable.file; }

void AddJobVariables(const AssignmentInputs& inputs, const pipeline::JobPlan& plan,
                     session::JobSpec& spec) {
  const auto add = [&spec](std::string name, std::string value) {
    spec.variables.push_back(
        {.name = std::move(name), .value = std::move(value), .file = false, .raw = true});
  };
  for (auto& [name, value] : pipeline::PredefinedVariables(
           ToTriggerFacts(inputs.facts.row, inputs.facts.project, inputs.server_url))) {
    add(name, value);
  }
  const std::string id = absl::StrCat(inputs.job.value());
  add("CI_JOB_ID", id);
  add("CI_JOB_NAME", plan.name);
  std::string slug = absl::AsciiStrToLower(plan.name).substr(0, 63);
  for (char& c : slug) {
    if (!absl::ascii_isalnum(c)) c = '-';
  }
  const size_t first = slug.find_first_not_of('-'), last = slug.find_last_not_of('-');
  add("CI_JOB_NAME_SLUG", first == std::string::npos ? "" : slug.substr(first, last - first + 1));
  add("CI_JOB_GROUP_NAME", plan.name);  // one of several with `parallel` has its own behind this
  const std::string pages = absl::StrCat(inputs.server_url, "/", inputs.facts.project.name);
  add("CI_PROJECT_URL", pages);
  add("CI_PIPELINE_URL", absl::StrCat(pages, "/-/pipelines/", inputs.facts.row.id.value()));
  add("CI_JOB_URL", absl::StrCat(pages, "/-/jobs/", id));
  add("CI_JOB_STAGE", plan.stage);
  add("CI_JOB_MANUAL", plan.when == lifecycle::When::kManual ? "true" : "false");
  add("CI_JOB_STARTED_AT", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", inputs.now, absl::UTCTimeZone()));
  add("CI_JOB_TIMEOUT", absl::StrCat(absl::ToInt64Seconds(spec.timeout)));
  add("CI_NODE_TOTAL", "1");
  add("CI_PIPELINE_ID", absl::StrCat(inputs.facts.row.id.value()));
  add("CI_PIPELINE_IID", absl::StrCat(inputs.facts.row.id.value()));
  add("CI_PIPELINE_CREATED_AT",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", inputs.facts.row.created_at, absl::UTCTimeZone()));
  if (!inputs.facts.row.name.empty()) add("CI_PIPELINE_NAME", inputs.facts.row.name);
  for (const pipeline::Variable& variable : plan.variables) {
    spec.variables.push_back(
        {.name = variable.name, .value = variable.value, .file = false, .raw = !variable.expand});
  }
  for (const store::ProjectVariable& variable : inputs.project_variables) {
    if (IsSecret(variable)) continue;
    spec.variables.push_back({.name = variable.name,
                              .value = std::string(variable.value.Open()),
                              .file = false,
                              .raw = false});
  }
  for (const auto& [name, value] : inputs.facts.row.variables) {
    spec.variables.push_back({.name = name, .value = value, .file = false, .raw = false});
  }
}

absl::Status ReadSettings(const AssignmentInputs& inputs, const pipeline::JobPlan& plan,
                          session::JobSpec& spec) {
  const store::Project& project = inputs.facts.project;
  spec.timeout = kDefaultTimeout;
  if (plan.timeout.has_value()) {
    spec.timeout = *plan.timeout;
  } else if (const std::string text = Setting(project, "timeout", ""); !text.empty()) {
    GRANGE_ASSIGN_OR_RETURN(spec.timeout, text::ParseDuration(text));
  }
  if (const std::string text = Setting(project, "trace-limit", ""); !text.empty()) {
    GRANGE_ASSIGN_OR_RETURN(spec.trace_limit_bytes, text::ParseSize(text));
  }
  spec.fail_at_trace_limit = Setting(project, "trace-limit-policy", "drop") == "fail";
  spec.stop_on_disconnect = StopsOnDisconnect(plan, project.settings);
  return absl::OkStatus();
}

// GIT_STRATEGY and GIT_DEPTH are variables of the job; whoever sets them last wins.
absl::Status ReadSource(const AssignmentInputs& inputs, session::JobSpec& spec) {
  const store::PipelineRow& row = inputs.facts.row;
  spec.sha = row.commit.sha;
  spec.ref_name = row.ref_name;
  spec.is_tag = row.is_tag;
  const std::string strategy = ValueOf(spec.variables, "GIT_STRATEGY");
  if (strategy == "clone") {
    spec.strategy = session::JobSpec::Strategy::kClone;
  } else if (strategy == "none" || strategy == "empty") {
    spec.strategy = session::JobSpec::Strategy::kNone;
  } else if (strategy.empty() || strategy == "fetch") {
    spec.strategy = session::JobSpec::Strategy::kFetch;
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("GIT_STRATEGY is '", strategy, "'; it takes clone, fetch or none"));
  }
  spec.depth = kDefaultDepth;
  const std::string depth = ValueOf(spec.variables, "GIT_DEPTH");
  if (!depth.empty() &&
      (!absl::SimpleAtoi(depth, &spec.depth) || spec.depth < 0 || spec.depth > kDepthMax)) {
    return absl::InvalidArgumentError(
        absl::StrCat("GIT_DEPTH is '", depth, "'; it takes a number, 0 for the whole history"));
  }
  return absl::OkStatus();
}

absl::Status ReadLimits(session::JobSpec& spec) {
  GRANGE_ASSIGN_OR_RETURN(spec.memory_limit_bytes,
                          ParseMemoryLimit(ValueOf(spec.variables, "GRANGE_MEMORY_LIMIT")));
  GRANGE_ASSIGN_OR_RETURN(spec.pids_limit,
                          ParsePidsLimit(ValueOf(spec.variables, "GRANGE_PIDS_LIMIT")));
  return absl::OkStatus();
}

absl::Status AddArtifacts(const AssignmentInputs& inputs, const pipeline::JobPlan& plan,
                          session::JobSpec& spec) {
  GRANGE_RETURN_IF_ERROR(CheckArtifacts(inputs.facts, plan, inputs.artifacts));
  for (const store::ArtifactRow* row : ArtifactsFor(inputs.facts, plan, inputs.artifacts)) {
    spec.artifacts_in.push_back({.job = row->job,
                                 .attempt = row->attempt,
                                 .job_name = inputs.facts.plans.at(row->job).name,
                                 .artifact_id = row->id,
                                 .size = row->size,
                                 .sha256 = row->sha256});
  }
  return absl::OkStatus();
}

session::ArtifactTarget::When ToWhen(pipeline::Artifacts::When when) {
  switch (when) {
    case pipeline::Artifacts::When::kOnSuccess:
      return session::ArtifactTarget::When::kOnSuccess;
    case pipeline::Artifacts::When::kOnFailure:
      return session::ArtifactTarget::When::kOnFailure;
    case pipeline::Artifacts::When::kAlways:
      return session::ArtifactTarget::When::kAlways;
  }
  return session::ArtifactTarget::When::kOnSuccess;
}

// The parts of "https://host:port".
void AddServerNames(absl::string_view server_url, pipeline::TriggerFacts& facts) {
  const size_t scheme_end = server_url.find("://");
  if (scheme_end == absl::string_view::npos) return;
  const absl::string_view address = server_url.substr(scheme_end + 3);
  const size_t colon = address.rfind(':');
  const auto add = [&facts](absl::string_view name, absl::string_view value) {
    facts.predefined.emplace_back(std::string(name), std::string(value));
  };
  add("CI_SERVER_PROTOCOL", server_url.substr(0, scheme_end));
  add("CI_SERVER_FQDN", address);
  add("CI_SERVER_HOST", address.substr(0, colon));
  if (colon != absl::string_view::npos) add("CI_SERVER_PORT", address.substr(colon + 1));
}

}  // namespace

absl::StatusOr<session::JobSpec> BuildSpec(const AssignmentInputs& inputs) {
  const auto found = inputs.facts.plans.find(inputs.job);
  if (found == inputs.facts.plans.end()) {
    return absl::NotFoundError(absl::StrCat("no plan of ", inputs.job.ToString()));
  }
  const pipeline::JobPlan& plan = found->second;
  session::JobSpec spec;
  spec.project = inputs.facts.project.name;
  spec.project_id = inputs.facts.project.id;
  spec.pipeline = inputs.facts.row.id;
  spec.name = plan.name;
  spec.stage = plan.stage;
  spec.script = plan.script;
  spec.after_script = plan.after_script;
  spec.tags = plan.tags;
  GRANGE_RETURN_IF_ERROR(ReadSettings(inputs, plan, spec));
  AddJobVariables(inputs, plan, spec);
  GRANGE_RETURN_IF_ERROR(ReadSource(inputs, spec));
  GRANGE_RETURN_IF_ERROR(ReadLimits(spec));
  GRANGE_RETURN_IF_ERROR(AddArtifacts(inputs, plan, spec));
  if (plan.artifacts.has_value() && !plan.artifacts->paths.empty()) {
    spec.artifacts_out = session::ArtifactTarget{.paths = plan.artifacts->paths,
                                                 .exclude = plan.artifacts->exclude,
                                                 .when = ToWhen(plan.artifacts->when),
                                                 .name = plan.artifacts->name};
  }
  return spec;
}

session::StartSecrets BuildSecrets(const AssignmentInputs& inputs) {
  std::set<std::string> above;
  for (const auto& [name, value] : inputs.facts.row.variables) above.insert(name);
  session::StartSecrets secrets;
  for (const store::ProjectVariable& variable : inputs.project_variables) {
    if (!IsSecret(variable) || above.count(variable.name) > 0) continue;
    secrets.variables.push_back({.name = variable.name,
                                 .value = variable.value,
                                 .file = variable.file,
                                 .masked = variable.masked});
  }
  return secrets;
}

pipeline::TriggerFacts ToTriggerFacts(const store::PipelineRow& row, const store::Project& project,
                                      absl::string_view server_url) {
  pipeline::TriggerFacts facts;
  const absl::StatusOr<pipeline::PipelineSource> source = pipeline::ParsePipelineSource(row.source);
  if (source.ok()) facts.source = *source;
  (row.is_tag ? facts.tag : facts.branch) = row.ref_name;
  facts.sha = row.commit.sha;
  facts.before_sha = row.before_sha;
  facts.default_branch = Setting(project, "default-branch", "main");
  facts.project = project.name;
  facts.project_path = project.name;
  facts.commit_title = row.commit.title;
  facts.commit_message = row.commit.message;
  facts.commit_author = row.commit.author_email.empty()
                            ? row.commit.author
                            : absl::StrCat(row.commit.author, " <", row.commit.author_email, ">");
  if (row.commit.authored_at != absl::InfinitePast()) {
    facts.commit_timestamp =
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", row.commit.authored_at, absl::UTCTimeZone());
  }
  facts.predefined = {{"CI_PROJECT_ID", absl::StrCat(project.id.value())},
                      {"CI_SERVER_URL", std::string(server_url)}};
  AddServerNames(server_url, facts);
  facts.pipeline_variables = row.variables;
  return facts;
}

}  // namespace grange::server
