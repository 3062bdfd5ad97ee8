#include "coordinator/pipeline/graph_json.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/graph_json_keywords.h"
#include "coordinator/pipeline/json_fields.h"

// The format: docs/formats/plan-json.md.
namespace grange::pipeline {
namespace {

Json AllowFailureToJson(const AllowFailure& allow_failure) {
  if (allow_failure.always || allow_failure.exit_codes.empty()) return allow_failure.always;
  return {{"exit_codes", allow_failure.exit_codes}};
}

Json NeedsToJson(const std::optional<std::vector<Need>>& needs) {
  if (!needs.has_value()) return nullptr;
  Json list = Json::array();
  for (const Need& need : *needs) {
    list.push_back({{"job", need.job}, {"artifacts", need.artifacts}, {"optional", need.optional}});
  }
  return list;
}

Json VariablesToJson(const std::vector<Variable>& variables) {
  Json list = Json::array();
  for (const Variable& variable : variables) {
    list.push_back(
        {{"name", variable.name}, {"value", variable.value}, {"expand", variable.expand}});
  }
  return list;
}

Json RetryToJson(const lifecycle::RetryPolicy& retry) {
  Json when = Json::array();
  for (const lifecycle::FailureReason reason : retry.when) {
    when.push_back(std::string(lifecycle::FailureReasonName(reason)));
  }
  return {{"max", retry.max}, {"when", when}, {"exit_codes", retry.exit_codes}};
}

void ReadAllowFailure(const FieldReader& job, std::string* error, AllowFailure& target) {
  const Json* value = job.Find("allow_failure");
  if (value == nullptr) return;
  if (value->is_boolean()) {
    target.always = value->get<bool>();
  } else {
    FieldReader(*value, error).Integers("exit_codes", target.exit_codes);
  }
}

// A reason that only a newer version knows is left out: it can't happen here.
void ReadRetry(const Json& value, std::string* error, lifecycle::RetryPolicy& target) {
  const FieldReader reader(value, error);
  reader.Integer("max", target.max);
  reader.Integers("exit_codes", target.exit_codes);
  std::vector<std::string> names;
  reader.Texts("when", names);
  for (const std::string& name : names) {
    const absl::StatusOr<lifecycle::FailureReason> reason = lifecycle::ParseFailureReason(name);
    if (reason.ok()) target.when.push_back(*reason);
  }
}

void ReadVariables(const FieldReader& job, std::string* error, std::vector<Variable>& target) {
  job.ForEach("variables", [&](const Json& item) {
    const FieldReader reader(item, error);
    Variable variable;
    reader.Text("name", variable.name);
    reader.Text("value", variable.value);
    reader.Bool("expand", variable.expand);
    target.push_back(std::move(variable));
  });
}

void ReadNeeds(const FieldReader& job, std::string* error, JobPlan& plan) {
  if (job.Find("needs") == nullptr) return;
  plan.needs.emplace();
  job.ForEach("needs", [&](const Json& item) {
    const FieldReader reader(item, error);
    Need need;
    reader.Text("job", need.job);
    reader.Bool("artifacts", need.artifacts);
    reader.Bool("optional", need.optional);
    plan.needs->push_back(std::move(need));
  });
}

void ReadPlace(const FieldReader& job, std::string* error, SourceSpan& target) {
  const Json* place = job.Find("place");
  if (place == nullptr) return;
  const FieldReader reader(*place, error);
  reader.Text("file", target.file);
  reader.Integer("line", target.line);
  reader.Integer("column", target.column);
}

// What `plan` shows of a job, and the first part of what the store keeps.
Json JobSummary(const JobPlan& job) {
  Json json = {
      {"name", job.name},
      {"stage", job.stage},
      {"when", std::string(lifecycle::WhenName(job.when))},
      {"start_in", Seconds(job.start_in)},
      {"allow_failure", AllowFailureToJson(job.allow_failure)},
      {"needs", NeedsToJson(job.needs)},
      {"dependencies", job.dependencies.has_value() ? Json(*job.dependencies) : Json(nullptr)},
      {"tags", job.tags},
      {"environment", TextOrNull(job.environment)},
      {"resource_group", TextOrNull(job.resource_group)},
      {"timeout", job.timeout.has_value() ? Json(Seconds(*job.timeout)) : Json(nullptr)},
      {"retry", RetryToJson(job.retry)},
      {"interruptible", job.interruptible},
      {"coverage", TextOrNull(job.coverage)},
      {"artifacts", ArtifactsToJson(job.artifacts)},
      {"script", job.script},
      {"after_script", job.after_script}};
  AddKeywords(job, json);
  return json;
}

}  // namespace

std::string JobToJson(const JobPlan& job) {
  Json json = JobSummary(job);
  json["stage_index"] = job.stage_index;
  json["variables"] = VariablesToJson(job.variables);
  json["place"] = {
      {"file", job.place.file}, {"line", job.place.line}, {"column", job.place.column}};
  return Dump(json);
}

absl::StatusOr<JobPlan> JobFromJson(absl::string_view json) {
  const Json value = Json::parse(json.begin(), json.end(), nullptr, false);
  if (!value.is_object()) return absl::InvalidArgumentError("a stored job is not a JSON object");
  std::string error;
  const FieldReader reader(value, &error);
  JobPlan job;
  reader.Text("name", job.name);
  ReadPlace(reader, &error, job.place);
  reader.Text("stage", job.stage);
  reader.Integer("stage_index", job.stage_index);
  std::string when;
  reader.Text("when", when);
  if (!when.empty()) {
    const absl::StatusOr<lifecycle::When> parsed = lifecycle::ParseWhen(when);
    if (!parsed.ok()) return parsed.status();
    job.when = *parsed;
  }
  job.start_in = reader.DurationField("start_in").value_or(absl::ZeroDuration());
  ReadAllowFailure(reader, &error, job.allow_failure);
  ReadNeeds(reader, &error, job);
  if (reader.Find("dependencies") != nullptr) {
    reader.Texts("dependencies", job.dependencies.emplace());
  }
  reader.Texts("tags", job.tags);
  reader.Texts("script", job.script);
  reader.Texts("after_script", job.after_script);
  ReadVariables(reader, &error, job.variables);
  job.timeout = reader.DurationField("timeout");
  if (const Json* retry = reader.Find("retry")) ReadRetry(*retry, &error, job.retry);
  if (const Json* artifacts = reader.Find("artifacts")) {
    ReadArtifacts(*artifacts, &error, job.artifacts.emplace());
  }
  reader.Text("coverage", job.coverage);
  reader.Bool("interruptible", job.interruptible);
  reader.Text("environment", job.environment);
  reader.Text("resource_group", job.resource_group);
  ReadKeywords(reader, &error, job);
  if (!error.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("stored job '", job.name, "': ", error));
  }
  return job;
}

std::string PlanToJson(const PipelineGraph& graph) {
  Json jobs = Json::array();
  for (const JobPlan& job : graph.jobs) {
    Json summary = JobSummary(job);
    summary["variables"] = VariableMap(job.variables);
    jobs.push_back(std::move(summary));
  }
  const Json plan = {{"jobs", jobs},
                     {"stages", graph.stages},
                     {"variables", VariableMap(graph.variables)},
                     {"workflow",
                      {{"name", TextOrNull(graph.name)},
                       {"auto_cancel",
                        {{"on_new_commit", graph.auto_cancel.on_new_commit},
                         {"on_job_failure", graph.auto_cancel.on_job_failure}}}}}};
  return Dump(plan);
}

}  // namespace grange::pipeline
