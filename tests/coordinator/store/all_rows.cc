#include "tests/coordinator/store/all_rows.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace grange::store {
namespace {

constexpr absl::Time kThen = absl::FromUnixSeconds(1'750'000'000);

// About a page of text that no other row has.
std::string Text(absl::string_view what, int number) {
  std::string text;
  for (int i = 0; text.size() < 2500; ++i) absl::StrAppend(&text, what, " ", number, "/", i, "; ");
  return text;
}

std::string Words(const PipelineRow& row) {
  return absl::StrCat(
      absl::StrJoin({row.commit.sha, row.commit.title, row.commit.message, row.commit.author,
                     row.commit.author_email, row.ref_name, row.source, row.before_sha, row.name,
                     row.failure, row.project_name},
                    "|"),
      "|", absl::StrJoin(row.stages, ","), "|",
      absl::StrJoin(row.variables, ",", absl::PairFormatter("=")), "|",
      absl::StrJoin(row.errors, ","), "|", absl::StrJoin(row.warnings, ","), "|", row.is_tag, "|",
      static_cast<int>(row.state), "|",
      absl::StrJoin({row.commit.authored_at, row.created_at, row.started_at, row.finished_at}, "|",
                    [](std::string* out, absl::Time time) {
                      absl::StrAppend(out, absl::FormatTime(time, absl::UTCTimeZone()));
                    }));
}

std::string Words(const JobRow& row) {
  return absl::StrCat(row.id.ToString(), "|", row.pipeline.ToString(), "|", row.index, "|",
                      row.name, "|", row.stage, "|", row.plan_json, "|",
                      static_cast<int>(row.progress.state), "|",
                      static_cast<int>(row.progress.phase), "|", row.progress.attempt, "|",
                      FenceValue(row.progress.fence), "|", row.trace_bytes, "|",
                      row.dropped_bytes, "|", row.agent_name);
}

std::string Words(const AttemptRow& row) {
  return absl::StrCat(row.job.ToString(), "|", row.number, "|", FenceValue(row.fence), "|",
                      row.agent.ToString(), "|", static_cast<int>(row.state), "|", row.exit_code,
                      "|", row.trace_bytes, "|", row.trace_sha256, "|", row.trace_complete, "|",
                      row.detail, "|", row.artifact_id);
}

std::string Words(const ArtifactRow& row) {
  return absl::StrCat(row.id, "|", row.job.ToString(), "|", row.attempt, "|", row.name, "|",
                      row.size, "|", row.sha256);
}

std::string Words(const AgentRow& row) {
  return absl::StrCat(row.id.ToString(), "|", row.name, "|", absl::StrJoin(row.tags, ","), "|",
                      row.slots, "|", row.credential_hash, "|", row.session_counter, "|",
                      row.draining, row.revoked, "|", row.version);
}

std::string Words(const TokenRow& row) {
  return absl::StrCat(row.id.ToString(), "|", static_cast<int>(row.kind), "|", row.hash, "|",
                      row.user, "|", row.role, "|", row.uses_left, "|", row.used, row.revoked, "|",
                      absl::StrJoin(row.from, ","));
}

std::string Words(const AuditRow& row) {
  return absl::StrCat(row.id, "|", absl::ToUnixMicros(row.at), "|", row.actor.user, "|",
                      row.actor.peer, "|", row.actor.call, "|", row.text);
}

std::string Words(const ProjectVariable& row) {
  return absl::StrCat(row.name, "=", row.value.Open(), row.masked, row.file);
}

std::string Words(const Project& row) {
  return absl::StrCat(row.id.ToString(), "|", row.name, "|",
                      absl::StrJoin(row.settings, ",", absl::PairFormatter("=")));
}

std::string Words(Fence fence) { return absl::StrCat(FenceValue(fence)); }

std::string Words(const std::optional<std::string>& text) { return text.value_or("none"); }

template <typename Row>
std::string Words(const std::vector<Row>& rows) {
  return absl::StrJoin(rows, "\n", [](std::string* out, const Row& row) {
    absl::StrAppend(out, Words(row));
  });
}

template <typename Row>
absl::StatusOr<std::string> Said(const absl::StatusOr<Row>& row) {
  if (!row.ok()) return row.status();
  return Words(*row);
}

void FillPipeline(Store& store, ProjectId project, int number) {
  PipelineRow pipeline;
  pipeline.project = project;
  pipeline.commit = {.sha = absl::StrCat(number, std::string(36, 'a')),
                     .title = Text("title", number).substr(0, 70),
                     .message = Text("message", number),
                     .author = "A. U. Thor",
                     .author_email = "thor@example.org",
                     .authored_at = kThen};
  pipeline.ref_name = "main";
  pipeline.source = "push";
  pipeline.variables = {{"GIVEN", Text("value", number).substr(0, 100)}};
  pipeline.stages = {"build", "test"};
  pipeline.created_at = kThen + absl::Seconds(number);
  std::vector<JobRow> jobs(2);
  for (int i = 0; i < 2; ++i) {
    jobs[static_cast<size_t>(i)].index = i;
    jobs[static_cast<size_t>(i)].name = absl::StrCat("job ", i, " of ", number);
    jobs[static_cast<size_t>(i)].stage = "test";
    jobs[static_cast<size_t>(i)].plan_json = Text("plan", number).substr(0, 600);
    jobs[static_cast<size_t>(i)].created_at = kThen;
  }
  ASSERT_TRUE(store.CreatePipeline(pipeline, jobs, absl::StrCat("submit-", number), nullptr,
                                   {.user = "ada", .token = {}, .peer = "::1", .call = "submit"})
                  .ok());
  schedule::StoreJob job = jobs[0].progress;
  job.attempt = 1;
  job.phase = schedule::Phase::kRunning;
  job.state = lifecycle::JobState::kRunning;
  job.fence = Fence{static_cast<uint64_t>(number) + 1};
  job.agent = AgentId(1);
  std::vector<Write> writes;
  writes.emplace_back(job);
  writes.emplace_back(schedule::StoreFence{job.fence});
  ASSERT_TRUE(store.Commit(writes).ok());
  ASSERT_TRUE(store
                  .PutArtifact({.id = absl::StrCat("artifact-", number),
                                .job = job.id,
                                .attempt = 1,
                                .name = "report",
                                .size = 1000 + static_cast<uint64_t>(number),
                                .sha256 = std::string(32, 's'),
                                .created_at = kThen})
                  .ok());
}

}  // namespace

void FillStore(Store& store, ProjectId project, int count) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(store
                    .SetVariable(project, {.name = absl::StrCat("NAME_", i),
                                           .value = Secret(Text("secret", i).substr(0, 200)),
                                           .masked = i % 2 == 0,
                                           .file = false},
                                 {})
                    .ok());
    TokenRow token;
    token.kind = i % 2 == 0 ? TokenRow::Kind::kUser : TokenRow::Kind::kRegistration;
    token.hash = absl::StrCat(std::string(30, 'h'), 10 + i);
    token.user = absl::StrCat("user ", i);
    token.role = "viewer";
    token.uses_left = 1;
    token.created_at = kThen;
    ASSERT_TRUE(store.CreateToken(token, "").ok());
    if (token.kind == TokenRow::Kind::kUser) continue;
    AgentRow agent;
    agent.name = absl::StrCat("agent-", i);
    agent.credential_hash = absl::StrCat(std::string(30, 'c'), 10 + i);
    ASSERT_TRUE(store.RegisterAgent(token.hash, "", kThen, agent).ok());
  }
  ASSERT_TRUE(store.SetProjectSetting(project, "default-branch", "main").ok());
  for (int i = 0; i < count; ++i) FillPipeline(store, project, i);
}

AllRows ReadAllRows(Store& store, ProjectId project, int count) {
  AllRows rows;
  rows["projects"] = Said(store.ListProjects());
  rows["variables"] = Said(store.ListVariables(project));
  rows["agents"] = Said(store.ListAgents());
  rows["tokens"] = Said(store.ListTokens());
  rows["audit"] = Said(store.ListAudit(1000, 0, ""));
  rows["fence"] = Said(store.HighestFence());
  for (int i = 0; i < count; ++i) {
    const PipelineId pipeline(i + 1);
    rows[pipeline.ToString()] = Said(store.GetPipeline(pipeline));
    rows[absl::StrCat("jobs of ", pipeline.ToString())] = Said(store.JobsOf(pipeline));
    rows[absl::StrCat("attempts of ", i)] = Said(store.AttemptsOf(JobId(2 * i + 1)));
    rows[absl::StrCat("artifact ", i)] = Said(store.GetArtifact(absl::StrCat("artifact-", i)));
    rows[absl::StrCat("answer ", i)] = Said(store.FindAnswer(absl::StrCat("submit-", i)));
  }
  return rows;
}

}  // namespace grange::store
