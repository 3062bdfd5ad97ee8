#include "tools/ctl/json_shape.h"

#include <map>
#include <string>

#include "tools/ctl/time_text.h"

namespace grange::ctl {
namespace {

// From start to end; null before the end.
Json DurationJson(int64_t started_ms, int64_t finished_ms) {
  if (started_ms == 0 || finished_ms == 0) return nullptr;
  return static_cast<double>(finished_ms - started_ms) / 1000.0;
}

// Seconds; null if it is not known.
Json CpuJson(int64_t cpu_ms) {
  return cpu_ms == 0 ? Json(nullptr) : Json(static_cast<double>(cpu_ms) / 1000.0);
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

template <typename Message>
Json CoverageJson(const Message& message) {
  return message.has_coverage() ? Json(message.coverage()) : Json(nullptr);
}

template <typename List>
Json ListJson(const List& list) {
  Json json = Json::array();
  for (const auto& item : list) json.push_back(item);
  return json;
}

}  // namespace

Json TimeJson(int64_t unix_ms) { return unix_ms == 0 ? Json(nullptr) : Json(Rfc3339(unix_ms)); }

Json PipelineJson(const v1::Pipeline& p) {
  Json json;
  json["id"] = p.id();
  json["project"] = p.project();
  json["sha"] = p.sha();
  json["ref"] = p.ref_name();
  json["tag"] = p.is_tag();
  json["title"] = p.title();
  json["name"] = TextOrNull(p.name());
  json["source"] = p.source();
  json["status"] = p.status();
  json["coverage"] = CoverageJson(p);
  json["duration"] = DurationJson(p.started_ms(), p.finished_ms());
  json["created_at"] = TimeJson(p.created_ms());
  json["started_at"] = TimeJson(p.started_ms());
  json["finished_at"] = TimeJson(p.finished_ms());
  json["stages"] = ListJson(p.stages());
  json["errors"] = ListJson(p.errors());
  json["failure"] = TextOrNull(p.failure());
  json["agent_unreachable_since"] = TimeJson(p.agent_unreachable_since_ms());
  json["pinned"] = p.pinned();
  return json;
}

Json CommitJson(const v1::Commit& c) {
  Json json;
  json["sha"] = c.sha();
  json["title"] = c.title();
  json["status"] = c.status();
  json["duration"] =
      c.has_duration() ? Json(static_cast<double>(c.duration_ms()) / 1000.0) : Json(nullptr);
  json["coverage"] = CoverageJson(c);
  json["pipeline_id"] = c.pipeline_id();
  json["author"] = c.author();
  json["ref"] = c.ref_name();
  json["project"] = c.project();
  return json;
}

Json JobJson(const v1::Job& j) {
  Json json;
  json["id"] = j.id();
  json["name"] = j.name();
  json["stage"] = j.stage();
  json["status"] = j.status();
  json["attempt"] = j.attempt();
  json["agent"] = TextOrNull(j.agent());
  json["coverage"] = CoverageJson(j);
  json["duration"] = DurationJson(j.started_ms(), j.finished_ms());
  json["failure_reason"] = TextOrNull(j.failure_reason());
  json["exit_code"] =
      j.finished_ms() == 0 || j.started_ms() == 0 ? Json(nullptr) : Json(j.exit_code());
  json["pipeline_id"] = j.pipeline_id();
  json["when"] = j.when();
  json["allow_failure"] = j.allow_failure();
  json["tags"] = ListJson(j.tags());
  json["needs"] = j.has_needs() ? ListJson(j.needs()) : Json(nullptr);
  json["detail"] = TextOrNull(j.detail());
  json["created_at"] = TimeJson(j.created_ms());
  json["queued_at"] = TimeJson(j.queued_ms());
  json["started_at"] = TimeJson(j.started_ms());
  json["finished_at"] = TimeJson(j.finished_ms());
  json["trace_bytes"] = j.trace_bytes();
  json["dropped_bytes"] = j.dropped_bytes();
  json["interruptible"] = j.interruptible();
  json["timeout"] =
      j.timeout_ms() == 0 ? Json(nullptr) : Json(static_cast<double>(j.timeout_ms()) / 1000.0);
  json["agent_unreachable_since"] = TimeJson(j.agent_unreachable_since_ms());
  json["note"] = TextOrNull(j.note());
  json["attempts_max"] = j.attempts_max();
  json["cpu"] = CpuJson(j.cpu_ms());
  json["max_rss_bytes"] = j.max_rss_bytes() == 0 ? Json(nullptr) : Json(j.max_rss_bytes());
  return json;
}

Json JobWithAttemptsJson(const v1::Job& job) {
  Json json = JobJson(job);
  Json attempts = Json::array();
  for (const v1::Attempt& a : job.attempts()) {
    Json attempt;
    attempt["number"] = a.number();
    attempt["status"] = a.status();
    attempt["agent"] = TextOrNull(a.agent());
    attempt["started_at"] = TimeJson(a.started_ms());
    attempt["finished_at"] = TimeJson(a.finished_ms());
    attempt["duration"] = DurationJson(a.started_ms(), a.finished_ms());
    attempt["failure_reason"] = TextOrNull(a.failure_reason());
    attempt["exit_code"] = a.finished_ms() == 0 ? Json(nullptr) : Json(a.exit_code());
    attempt["trace_bytes"] = a.trace_bytes();
    attempt["dropped_bytes"] = a.dropped_bytes();
    attempt["detail"] = TextOrNull(a.detail());
    attempt["cpu"] = CpuJson(a.cpu_ms());
    attempt["max_rss_bytes"] = a.max_rss_bytes() == 0 ? Json(nullptr) : Json(a.max_rss_bytes());
    attempt["log_removed_at"] = TimeJson(a.trace_removed_ms());
    attempt["log_removed_by"] = TextOrNull(a.trace_removed_by());
    attempts.push_back(std::move(attempt));
  }
  json["attempts"] = std::move(attempts);
  json["pinned"] = job.pinned();
  Json artifacts = Json::array();
  for (const v1::Artifact& a : job.artifacts()) {
    artifacts.push_back({{"name", a.name()},
                         {"attempt", a.attempt()},
                         {"size", a.size()},
                         {"created_at", TimeJson(a.created_ms())},
                         {"expires_at", TimeJson(a.expires_ms())},
                         {"never_expires", a.never_expires()},
                         {"removed_at", TimeJson(a.removed_ms())},
                         {"removed_by", TextOrNull(a.removed_by())}});
  }
  json["artifacts"] = std::move(artifacts);
  return json;
}

Json AgentJson(const v1::Agent& a) {
  Json json;
  json["id"] = a.id();
  json["name"] = a.name();
  json["status"] = a.status();
  json["tags"] = ListJson(a.tags());
  json["slots"] = a.slots();
  json["running"] = a.running();
  json["run_untagged"] = a.run_untagged();
  json["jobs"] = ListJson(a.jobs());
  json["version"] = TextOrNull(a.version());
  json["project"] = TextOrNull(a.project());
  json["last_contact_at"] = TimeJson(a.last_contact_ms());
  json["alarm"] = TextOrNull(a.alarm());
  json["drain_until"] = TimeJson(a.drain_until_ms());
  return json;
}

Json TokenJson(const v1::Token& t) {
  Json json;
  json["id"] = t.id();
  json["kind"] = t.kind();
  json["user"] = TextOrNull(t.user());
  json["role"] = TextOrNull(t.role());
  json["project"] = TextOrNull(t.project());
  json["tags"] = ListJson(t.tags());
  json["uses_left"] = t.uses_left();
  json["used"] = t.used();
  json["created_at"] = TimeJson(t.created_ms());
  json["expires_at"] = TimeJson(t.expires_ms());
  json["revoked"] = t.revoked();
  json["from"] = ListJson(t.from());
  return json;
}

Json ProjectJson(const v1::Project& p) {
  Json json;
  json["id"] = p.id();
  json["name"] = p.name();
  Json settings = Json::object();
  const std::map<std::string, std::string> sorted(p.settings().begin(), p.settings().end());
  for (const auto& [key, value] : sorted) settings[key] = value;
  json["settings"] = std::move(settings);
  return json;
}

Json VariableJson(const v1::ProjectVariable& v) {
  Json json;
  json["name"] = v.name();
  json["value"] = v.masked() ? Json(nullptr) : Json(v.value());
  json["masked"] = v.masked();
  json["file"] = v.file();
  return json;
}

}  // namespace grange::ctl
