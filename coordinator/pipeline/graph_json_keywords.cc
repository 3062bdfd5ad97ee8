#include "coordinator/pipeline/graph_json_keywords.h"

#include <utility>

namespace grange::pipeline {
namespace {

constexpr char kNever[] = "never";  // of a duration: infinite

// Artifacts and caches are kept in the same cases.
template <typename When>
std::string WhenText(When when) {
  switch (when) {
    case When::kOnSuccess:
      return "on_success";
    case When::kOnFailure:
      return "on_failure";
    case When::kAlways:
      return "always";
  }
  return "";
}

template <typename When>
void ReadWhen(const FieldReader& reader, When& target) {
  std::string text;
  reader.Text("when", text);
  for (const When when : {When::kOnFailure, When::kAlways}) {
    if (text == WhenText(when)) target = when;
  }
}

Json WrittenOrNull(const Written& written) {
  return written.json.empty() ? Json(nullptr) : Json::parse(written.json, nullptr, false);
}

void ReadWritten(const FieldReader& reader, const char* name, Written& target) {
  if (const Json* value = reader.Find(name)) target.json = Dump(*value);
}

Json DurationOrNull(const std::optional<absl::Duration>& duration) {
  if (!duration.has_value()) return nullptr;
  return *duration == absl::InfiniteDuration() ? Json(kNever) : Json(Seconds(*duration));
}

std::optional<absl::Duration> ReadDuration(const FieldReader& reader, const char* name) {
  const Json* value = reader.Find(name);
  if (value != nullptr && *value == kNever) return absl::InfiniteDuration();
  return reader.DurationField(name);
}

Json TextsOrNull(const std::optional<std::vector<std::string>>& texts) {
  return texts.has_value() ? Json(*texts) : Json(nullptr);
}

void ReadTexts(const FieldReader& reader, const char* name,
               std::optional<std::vector<std::string>>& target) {
  if (reader.Find(name) != nullptr) reader.Texts(name, target.emplace());
}

void ReadVariableMap(const FieldReader& reader, const char* name, std::vector<Variable>& target) {
  reader.ForEachField(name, [&](const std::string& key, const Json& value) {
    if (!value.is_string()) return reader.Fail(name);
    target.push_back({.name = key, .value = value.get<std::string>()});
  });
}

// A list of what `to_json` makes of each.
template <typename T, typename ToJson>
Json ListOf(const std::vector<T>& values, const ToJson& to_json) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(to_json(value));
  return list;
}

// A map from the names of the values, which are unique, to what `to_json` makes of each.
template <typename T, typename ToJson>
Json MapOf(const std::vector<T>& values, const ToJson& to_json) {
  Json::object_t map;
  Json::object_t::Container& entries = map;  // so that no name is looked for: [] is linear
  for (const T& value : values) entries.emplace_back(value.name, to_json(value));
  return map;
}

Json ImageToJson(const Image& image) {
  return {{"name", image.name},
          {"entrypoint", TextsOrNull(image.entrypoint)},
          {"pull_policy", image.pull_policy.empty() ? Json(nullptr) : Json(image.pull_policy)},
          {"docker", WrittenOrNull(image.docker)},
          {"kubernetes", WrittenOrNull(image.kubernetes)}};
}

void ReadImage(const Json& value, std::string* error, Image& target) {
  const FieldReader reader(value, error);
  reader.Text("name", target.name);
  ReadTexts(reader, "entrypoint", target.entrypoint);
  reader.Texts("pull_policy", target.pull_policy);
  ReadWritten(reader, "docker", target.docker);
  ReadWritten(reader, "kubernetes", target.kubernetes);
}

Json ServiceToJson(const Service& service) {
  Json json = ImageToJson(service.image);
  json["alias"] = TextOrNull(service.alias);
  json["command"] = TextsOrNull(service.command);
  json["variables"] = VariableMap(service.variables);
  return json;
}

Json CacheToJson(const Cache& cache) {
  const bool of_files = !cache.files.empty() || !cache.files_commits.empty();
  return {{"key", of_files ? Json(nullptr) : Json(cache.key)},
          {"files", cache.files},
          {"files_commits", cache.files_commits},
          {"prefix", TextOrNull(cache.prefix)},
          {"paths", cache.paths},
          {"untracked", cache.untracked},
          {"unprotect", cache.unprotect},
          {"policy", cache.policy},
          {"when", WhenText(cache.when)},
          {"fallback_keys", cache.fallback_keys}};
}

void ReadCache(const Json& value, std::string* error, Cache& target) {
  const FieldReader reader(value, error);
  reader.Text("key", target.key);
  reader.Texts("files", target.files);
  reader.Texts("files_commits", target.files_commits);
  reader.Text("prefix", target.prefix);
  reader.Texts("paths", target.paths);
  reader.Bool("untracked", target.untracked);
  reader.Bool("unprotect", target.unprotect);
  reader.Text("policy", target.policy);
  ReadWhen(reader, target.when);
  reader.Texts("fallback_keys", target.fallback_keys);
}

Json ExternalNeedToJson(const ExternalNeed& need) {
  return {{"pipeline", TextOrNull(need.pipeline)}, {"project", TextOrNull(need.project)},
          {"job", TextOrNull(need.job)},           {"ref", TextOrNull(need.ref)},
          {"artifacts", need.artifacts},           {"optional", need.optional}};
}

void ReadExternalNeed(const Json& value, std::string* error, ExternalNeed& target) {
  const FieldReader reader(value, error);
  reader.Text("pipeline", target.pipeline);
  reader.Text("project", target.project);
  reader.Text("job", target.job);
  reader.Text("ref", target.ref);
  reader.Bool("artifacts", target.artifacts);
  reader.Bool("optional", target.optional);
}

Json EnvironmentToJson(const EnvironmentDetails& details) {
  return {{"url", TextOrNull(details.url)},
          {"action", details.action},
          {"tier", details.tier},
          {"on_stop", TextOrNull(details.on_stop)},
          {"auto_stop_in", DurationOrNull(details.auto_stop_in)},
          {"kubernetes", WrittenOrNull(details.kubernetes)}};
}

void ReadEnvironment(const Json& value, std::string* error, EnvironmentDetails& target) {
  const FieldReader reader(value, error);
  reader.Text("url", target.url);
  reader.Text("action", target.action);
  reader.Text("tier", target.tier);
  reader.Text("on_stop", target.on_stop);
  target.auto_stop_in = ReadDuration(reader, "auto_stop_in");
  ReadWritten(reader, "kubernetes", target.kubernetes);
}

Json SecretToJson(const SecretSource& secret) {
  return {{"provider", secret.provider},
          {"settings", WrittenOrNull(secret.settings)},
          {"file", secret.file},
          {"token", TextOrNull(secret.token)}};
}

Json InputToJson(const JobInput& input) {
  return {{"type", input.type},
          {"default", WrittenOrNull(input.default_value)},
          {"options", WrittenOrNull(input.options)},
          {"regex", TextOrNull(input.regex)},
          {"description", TextOrNull(input.description)}};
}

void ReadInput(const Json& value, std::string* error, JobInput& target) {
  const FieldReader reader(value, error);
  reader.Text("type", target.type);
  ReadWritten(reader, "default", target.default_value);
  ReadWritten(reader, "options", target.options);
  reader.Text("regex", target.regex);
  reader.Text("description", target.description);
}

Json DownstreamToJson(const Downstream& downstream) {
  Json include = Json::array();
  for (const Written& entry : downstream.include) include.push_back(WrittenOrNull(entry));
  return {{"project", TextOrNull(downstream.project)},
          {"branch", TextOrNull(downstream.branch)},
          {"include", std::move(include)},
          {"strategy", TextOrNull(downstream.strategy)},
          {"forward",
           {{"yaml_variables", downstream.forward_yaml_variables},
            {"pipeline_variables", downstream.forward_pipeline_variables}}},
          {"inputs", WrittenOrNull(downstream.inputs)}};
}

void ReadDownstream(const Json& value, std::string* error, Downstream& target) {
  const FieldReader reader(value, error);
  reader.Text("project", target.project);
  reader.Text("branch", target.branch);
  reader.ForEach("include", [&](const Json& entry) { target.include.push_back({Dump(entry)}); });
  reader.Text("strategy", target.strategy);
  if (const Json* forward = reader.Find("forward")) {
    const FieldReader passed(*forward, error);
    passed.Bool("yaml_variables", target.forward_yaml_variables);
    passed.Bool("pipeline_variables", target.forward_pipeline_variables);
  }
  ReadWritten(reader, "inputs", target.inputs);
}

// The lists and maps of what runs around a script.
void ReadLists(const FieldReader& job, std::string* error, JobPlan& plan) {
  job.ForEach("needs_external", [&](const Json& item) {
    ReadExternalNeed(item, error, plan.needs_external.emplace_back());
  });
  job.ForEach("services", [&](const Json& item) {
    Service& service = plan.services.emplace_back();
    const FieldReader reader(item, error);
    ReadImage(item, error, service.image);
    reader.Text("alias", service.alias);
    ReadTexts(reader, "command", service.command);
    ReadVariableMap(reader, "variables", service.variables);
  });
  job.ForEach("cache",
              [&](const Json& item) { ReadCache(item, error, plan.caches.emplace_back()); });
  job.ForEach("run", [&](const Json& item) {
    RunStep& step = plan.run.emplace_back();
    const FieldReader reader(item, error);
    reader.Text("name", step.name);
    reader.Text("script", step.script);
    ReadVariableMap(reader, "env", step.env);
  });
  job.ForEachField("secrets", [&](const std::string& name, const Json& item) {
    SecretSource& secret = plan.secrets.emplace_back();
    const FieldReader reader(item, error);
    secret.name = name;
    reader.Text("provider", secret.provider);
    ReadWritten(reader, "settings", secret.settings);
    reader.Bool("file", secret.file);
    reader.Text("token", secret.token);
  });
  job.ForEachField("id_tokens", [&](const std::string& name, const Json& item) {
    IdToken& token = plan.id_tokens.emplace_back();
    token.name = name;
    FieldReader(item, error).Texts("aud", token.audiences);
  });
  job.ForEachField("inputs", [&](const std::string& name, const Json& item) {
    JobInput& input = plan.inputs.emplace_back();
    input.name = name;
    ReadInput(item, error, input);
  });
}

}  // namespace

Json ArtifactsToJson(const std::optional<Artifacts>& artifacts) {
  if (!artifacts.has_value()) return nullptr;
  Json reports = Json::object();
  for (const auto& [keyword, paths] : artifacts->reports) reports[keyword] = paths;
  if (artifacts->coverage_report.has_value()) {
    reports["coverage_report"] = {{"coverage_format", artifacts->coverage_report->format},
                                  {"path", artifacts->coverage_report->path}};
  }
  return {{"paths", artifacts->paths},
          {"exclude", artifacts->exclude},
          {"untracked", artifacts->untracked},
          {"when", WhenText(artifacts->when)},
          {"name", TextOrNull(artifacts->name)},
          {"expire_in", DurationOrNull(artifacts->expire_in)},
          {"expose_as", TextOrNull(artifacts->expose_as)},
          {"access", TextOrNull(artifacts->access)},
          {"reports", std::move(reports)}};
}

void ReadArtifacts(const Json& value, std::string* error, Artifacts& target) {
  const FieldReader reader(value, error);
  reader.Texts("paths", target.paths);
  reader.Texts("exclude", target.exclude);
  reader.Bool("untracked", target.untracked);
  ReadWhen(reader, target.when);
  reader.Text("name", target.name);
  target.expire_in = ReadDuration(reader, "expire_in");
  reader.Text("expose_as", target.expose_as);
  reader.Text("access", target.access);
  const Json* reports = reader.Find("reports");
  if (reports == nullptr) return;
  const FieldReader by_keyword(*reports, error);
  reader.ForEachField("reports", [&](const std::string& keyword, const Json& paths) {
    if (paths.is_object()) {
      const FieldReader coverage(paths, error);
      target.coverage_report.emplace();
      coverage.Text("coverage_format", target.coverage_report->format);
      coverage.Text("path", target.coverage_report->path);
    } else {
      target.reports.emplace_back(keyword, std::vector<std::string>());
      by_keyword.Texts(keyword.c_str(), target.reports.back().second);
    }
  });
}

Json VariableMap(const std::vector<Variable>& variables) {
  return MapOf(variables, [](const Variable& variable) { return Json(variable.value); });
}

void AddKeywords(const JobPlan& job, Json& json) {
  if (!job.needs_external.empty()) {
    json["needs_external"] = ListOf(job.needs_external, ExternalNeedToJson);
  }
  if (job.environment_details.has_value()) {
    json["environment_details"] = EnvironmentToJson(*job.environment_details);
  }
  if (job.image.has_value()) json["image"] = ImageToJson(*job.image);
  if (!job.services.empty()) json["services"] = ListOf(job.services, ServiceToJson);
  if (!job.caches.empty()) json["cache"] = ListOf(job.caches, CacheToJson);
  if (!job.pre_get_sources_script.empty()) {
    json["hooks"] = {{"pre_get_sources_script", job.pre_get_sources_script}};
  }
  if (!job.secrets.empty()) json["secrets"] = MapOf(job.secrets, SecretToJson);
  if (!job.id_tokens.empty()) {
    json["id_tokens"] = MapOf(job.id_tokens, [](const IdToken& token) -> Json {
      return {{"aud", token.audiences}};
    });
  }
  if (!job.identity.empty()) json["identity"] = job.identity;
  if (!job.release.json.empty()) json["release"] = WrittenOrNull(job.release);
  if (!job.run.empty()) {
    json["run"] = ListOf(job.run, [](const RunStep& step) -> Json {
      return {{"name", step.name}, {"script", step.script}, {"env", VariableMap(step.env)}};
    });
  }
  if (!job.manual_confirmation.empty()) json["manual_confirmation"] = job.manual_confirmation;
  if (!job.inputs.empty()) json["inputs"] = MapOf(job.inputs, InputToJson);
  if (job.trigger.has_value()) json["trigger"] = DownstreamToJson(*job.trigger);
}

void ReadKeywords(const FieldReader& job, std::string* error, JobPlan& plan) {
  ReadLists(job, error, plan);
  if (const Json* details = job.Find("environment_details")) {
    ReadEnvironment(*details, error, plan.environment_details.emplace());
  }
  if (const Json* image = job.Find("image")) ReadImage(*image, error, plan.image.emplace());
  if (const Json* hooks = job.Find("hooks")) {
    FieldReader(*hooks, error).Texts("pre_get_sources_script", plan.pre_get_sources_script);
  }
  job.Text("identity", plan.identity);
  ReadWritten(job, "release", plan.release);
  job.Text("manual_confirmation", plan.manual_confirmation);
  if (const Json* trigger = job.Find("trigger")) {
    ReadDownstream(*trigger, error, plan.trigger.emplace());
  }
}

}  // namespace grange::pipeline
