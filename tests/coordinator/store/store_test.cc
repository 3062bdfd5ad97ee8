#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/os/files.h"
#include "coordinator/store/sqlite_store.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::store {
namespace {

using lifecycle::FailureReason;
using lifecycle::JobState;
using lifecycle::PipelineState;
using schedule::Phase;
using schedule::StoreJob;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using StoreTest = StoreFixture;

TEST_F(StoreTest, GivesBackAPipelineAndItsJobsAsTheyWereStored) {
  PipelineRow pipeline = APipeline();
  pipeline.variables = {{"A", "1"}, {"EMPTY", ""}, {"BYTES", std::string("\0\xff\n", 3)}};
  pipeline.errors = {".gitlab-ci.yml:3:1: error"};
  pipeline.stages = {"test", "deploy, or so"};
  std::vector<JobRow> jobs = {AJob(0, "test"), AJob(1, "deploy")};
  jobs[1].progress.state = JobState::kManual;
  jobs[1].progress.play_at = absl::FromUnixSeconds(1'800'000'000);

  std::optional<std::string> earlier;
  ASSERT_TRUE(store().CreatePipeline(pipeline, jobs, "", &earlier).ok());

  const absl::StatusOr<PipelineRow> read = store().GetPipeline(pipeline.id);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->commit.sha, pipeline.commit.sha);
  EXPECT_EQ(read->commit.authored_at, pipeline.commit.authored_at);
  EXPECT_EQ(read->project_name, "portal");
  EXPECT_EQ(read->variables, pipeline.variables);
  EXPECT_EQ(read->errors, pipeline.errors);
  EXPECT_EQ(read->stages, pipeline.stages);
  EXPECT_EQ(read->started_at, absl::InfinitePast());
  EXPECT_EQ(read->coverage, std::nullopt);
  const absl::StatusOr<std::vector<JobRow>> rows = store().JobsOf(pipeline.id);
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_THAT(*rows, SizeIs(2));
  EXPECT_EQ((*rows)[0].name, "test");
  EXPECT_EQ((*rows)[0].plan_json, "{\"name\":\"test\"}");
  EXPECT_EQ((*rows)[0].progress.play_at, absl::InfiniteFuture());
  EXPECT_EQ((*rows)[1].progress.state, JobState::kManual);
  EXPECT_EQ((*rows)[1].progress.play_at, absl::FromUnixSeconds(1'800'000'000));
  EXPECT_EQ((*rows)[1].id, jobs[1].id);
}

TEST_F(StoreTest, MakesOnePipelineForOneRequestKey) {
  PipelineRow first = APipeline();
  PipelineRow second = APipeline();
  std::vector<JobRow> jobs = {AJob(0, "test")};
  std::vector<JobRow> same_jobs = jobs;
  std::optional<std::string> earlier;
  ASSERT_TRUE(store().CreatePipeline(first, jobs, "key-1", &earlier).ok());
  ASSERT_FALSE(earlier.has_value());

  ASSERT_TRUE(store().CreatePipeline(second, same_jobs, "key-1", &earlier).ok());

  EXPECT_EQ(earlier, absl::StrCat(first.id.value()));
  EXPECT_THAT(*store().ListPipelines({}, 100, {}), SizeIs(1));
}

TEST_F(StoreTest, ForgetsAnAnswerAfterADay) {
  ASSERT_TRUE(store().PutAnswer("key", "answer").ok());
  clock().Advance(absl::Hours(23));
  EXPECT_EQ(*store().FindAnswer("key"), "answer");

  clock().Advance(absl::Hours(2));

  EXPECT_EQ(*store().FindAnswer("key"), std::nullopt);
}

TEST_F(StoreTest, W3AnAnswerStandsAndFallsWithItsChange) {
  const Answer answer{"key", "done"};
  EXPECT_FALSE(store().RemoveVariable(project(), "GONE", answer).ok());
  EXPECT_FALSE(store().RevokeToken(TokenId(99), answer).ok());
  EXPECT_FALSE(store().RemoveAgent(AgentId(99), answer).ok());
  EXPECT_EQ(*store().FindAnswer("key"), std::nullopt);

  EXPECT_TRUE(store().SetVariable(project(), {.name = "A", .value = Secret("x")}, answer).ok());
  EXPECT_EQ(*store().FindAnswer("key"), "done");
  EXPECT_TRUE(store().SetProjectSetting(project(), "timeout", "1h", {"set", "set"}).ok());
  EXPECT_EQ(*store().FindAnswer("set"), "set");
  EXPECT_TRUE(store().Commit({Answer{"rows", "committed"}}).ok());
  EXPECT_EQ(*store().FindAnswer("rows"), "committed");
}

TEST_F(StoreTest, ListsPipelinesFromTheNewestInPages) {
  std::vector<PipelineId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(Submit({"test"}).pipeline);

  const auto page = store().ListPipelines(project(), 2, ids[4]);

  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_THAT(*page, SizeIs(2));
  EXPECT_EQ((*page)[0].id, ids[3]);
  EXPECT_EQ((*page)[1].id, ids[2]);
}

TEST_F(StoreTest, AWantedCancelIsKeptWithItsForce) {
  StoreJob job = Run(Submit({"test"}).Progress(0), 1);
  for (const auto& [wanted, by_force] :
       {std::pair(false, false), std::pair(true, false), std::pair(true, true)}) {
    job.cancel_wanted = wanted;
    job.cancel_by_force = by_force;
    ASSERT_TRUE(CommitRow(job).ok());
    const StoreJob read = store().GetJob(job.id)->progress;
    EXPECT_EQ(read.cancel_wanted, wanted);
    EXPECT_EQ(read.cancel_by_force, by_force);
  }
}

TEST_F(StoreTest, AnAttemptComesIntoBeingWithItsGrantAndKeepsItsEnd) {
  const Submitted made = Submit({"test"});
  StoreJob job = made.Progress(0);
  job.attempt = 1;
  job.fence = Fence{7};
  job.agent = AgentId(3);
  job.phase = Phase::kOffered;
  ASSERT_TRUE(CommitRow(job).ok());
  EXPECT_THAT(*store().AttemptsOf(job.id), IsEmpty());

  job.phase = Phase::kGranted;
  job.state = JobState::kRunning;
  job.started_at = absl::FromUnixSeconds(100);
  ASSERT_TRUE(CommitRow(job).ok());
  ASSERT_THAT(*store().AttemptsOf(job.id), SizeIs(1));

  job.phase = Phase::kNone;
  job.state = JobState::kPending;  // at once tried again
  job.reason = FailureReason::kScriptFailure;
  job.exit_code = 3;
  ASSERT_TRUE(CommitRow(job).ok());

  const AttemptRow attempt = *store().GetAttempt(job.id, 1);
  EXPECT_EQ(attempt.state, JobState::kFailed);
  EXPECT_EQ(attempt.reason, FailureReason::kScriptFailure);
  EXPECT_EQ(attempt.exit_code, 3);
  EXPECT_EQ(attempt.fence, Fence{7});
  EXPECT_EQ(attempt.started_at, absl::FromUnixSeconds(100));
  EXPECT_NE(attempt.finished_at, absl::InfinitePast());
}

TEST_F(StoreTest, AnAttemptKeepsWhatWasSaidOfItsEnd) {
  const Submitted made = Submit({"test"});
  StoreJob job = Run(made.Progress(0), 1);
  job.phase = Phase::kNone;
  job.state = JobState::kFailed;
  job.reason = FailureReason::kAgentLost;
  job.detail = "lost: no contact for 5 min";
  ASSERT_TRUE(CommitRow(job).ok());
  job.attempt = 2;
  job.state = JobState::kPending;
  job.detail.clear();
  ASSERT_TRUE(CommitRow(job).ok());
  EXPECT_EQ(store().GetAttempt(job.id, 1)->detail, "lost: no contact for 5 min");
}

TEST_F(StoreTest, AFinishedAttemptKeepsItsResultWhenTheJobIsRetried) {
  const Submitted made = Submit({"test"});
  StoreJob job = Run(made.Progress(0), 1);
  job.phase = Phase::kNone;
  job.state = JobState::kSuccess;
  ASSERT_TRUE(CommitRow(job).ok());

  job.state = JobState::kPending;
  job.reason = FailureReason::kNone;
  ASSERT_TRUE(CommitRow(job).ok());

  EXPECT_EQ(store().GetAttempt(job.id, 1)->state, JobState::kSuccess);
}

TEST_F(StoreTest, AJobsCoverageIsThatOfItsNewestAttemptAndAPipelinesTheMean) {
  const Submitted made = Submit({"unit", "e2e", "lint"});
  for (int i = 0; i < 2; ++i) {
    StoreJob job = Run(made.Progress(i), 1);
    PutTraceEnd end;
    end.job = job.id;
    end.attempt = 1;
    end.coverage = i == 0 ? 80.0 : 90.5;
    ASSERT_TRUE(CommitRow(end).ok());
  }

  EXPECT_EQ(store().GetJob(made.jobs[0].id)->coverage, 80.0);
  EXPECT_EQ(store().GetJob(made.jobs[2].id)->coverage, std::nullopt);
  EXPECT_EQ(store().GetPipeline(made.pipeline)->coverage, 85.25);
}

TEST_F(StoreTest, AJobHasUsedAndSaidWhatItsNewestAttemptHas) {
  const Submitted made = Submit({"unit"});
  Run(made.Progress(0), 1);
  PutTraceEnd end;
  end.job = made.jobs[0].id;
  end.attempt = 1;
  end.detail = "killed by signal 9 (SIGKILL)";
  end.cpu = absl::Milliseconds(1500);
  end.max_rss_bytes = 1 << 20;
  ASSERT_TRUE(CommitRow(end).ok());

  const auto job = store().GetJob(end.job);
  const auto attempt = store().GetAttempt(end.job, 1);

  ASSERT_TRUE(job.ok() && attempt.ok());
  EXPECT_EQ(job->attempt_detail, end.detail);
  EXPECT_EQ(job->cpu, end.cpu);
  EXPECT_EQ(job->max_rss_bytes, end.max_rss_bytes);
  EXPECT_EQ(attempt->cpu, end.cpu);
  EXPECT_EQ(attempt->max_rss_bytes, end.max_rss_bytes);
}

TEST_F(StoreTest, KnowsWhichTracesAreNotComplete) {
  const Submitted made = Submit({"a", "b"});
  Run(made.Progress(0), 1);
  Run(made.Progress(1), 1);
  ASSERT_TRUE(
      CommitRow(PutTraceLength{.job = made.jobs[0].id, .attempt = 1, .durable = 1234}).ok());
  PutTraceEnd end;
  end.job = made.jobs[1].id;
  end.attempt = 1;
  end.trace_bytes = 10;
  end.sha256 = std::string(32, 'x');
  ASSERT_TRUE(CommitRow(end).ok());

  const auto open = store().OpenAttempts();

  ASSERT_TRUE(open.ok()) << open.status();
  ASSERT_THAT(*open, SizeIs(1));
  EXPECT_EQ((*open)[0].job, made.jobs[0].id);
  EXPECT_EQ((*open)[0].trace_bytes, 1234u);
  EXPECT_TRUE(store().GetAttempt(made.jobs[1].id, 1)->trace_complete);
}

TEST_F(StoreTest, UnfinishedPipelinesAreThoseWithoutAFinalState) {
  const PipelineId done = Submit({"a"}).pipeline;
  const PipelineId open = Submit({"b"}).pipeline;
  const PipelineId retried = Submit({"c"}).pipeline;
  const auto put = [&](PipelineId id, PipelineState state) {
    schedule::StorePipeline row;
    row.id = id;
    row.state = state;
    return CommitRow(row);
  };
  ASSERT_TRUE(put(done, PipelineState::kSuccess).ok());
  ASSERT_TRUE(put(retried, PipelineState::kFailed).ok());
  ASSERT_TRUE(put(retried, PipelineState::kRunning).ok());

  EXPECT_THAT(*store().UnfinishedPipelines(), ElementsAre(open, retried));
}

TEST_F(StoreTest, TheHighestFenceNeverGoesBack) {
  ASSERT_TRUE(CommitRow(schedule::StoreFence{Fence{9}}).ok());
  ASSERT_TRUE(CommitRow(schedule::StoreFence{Fence{4}}).ok());
  EXPECT_EQ(*store().HighestFence(), Fence{9});
}

TEST_F(StoreTest, ArtifactsAreThoseOfTheNewestAttempt) {
  const Submitted made = Submit({"build"});
  for (int attempt = 1; attempt <= 2; ++attempt) {
    Run(made.Progress(0), attempt);
    ASSERT_TRUE(store()
                    .PutArtifact({.id = absl::StrCat("a", attempt),
                                  .job = made.jobs[0].id,
                                  .attempt = attempt,
                                  .name = "artifacts.tar.zst",
                                  .size = 5,
                                  .sha256 = std::string(32, 'h'),
                                  .created_at = clock().Now()})
                    .ok());
  }
  const auto artifacts = store().ArtifactsOf(made.pipeline);
  ASSERT_TRUE(artifacts.ok()) << artifacts.status();
  ASSERT_THAT(*artifacts, SizeIs(1));
  EXPECT_EQ((*artifacts)[0].id, "a2");
}

TEST_F(StoreTest, AProjectComesIntoBeingOnce) {
  const auto first = store().FindOrMakeProject("shop", {{"default-branch", "main"}});
  const auto second = store().FindOrMakeProject("shop", {{"default-branch", "other"}});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->id, second->id);
  EXPECT_EQ(second->settings.at("default-branch"), "main");
  EXPECT_TRUE(absl::IsNotFound(store().FindProject("nowhere").status()));
}

// Each pipeline is "SHA source", or "SHA source before" if its submit has named the commit before it.
TEST_F(StoreTest, TheCommitBeforeIsThatOfTheBranchsNewestOtherPipeline) {
  struct Case {
    std::vector<std::array<std::string, 3>> pipelines;  // the oldest first
    std::string before;                                  // "a"
  };
  int branch = 0;
  for (const Case& test : std::vector<Case>{
           {{}, ""},
           {{{"b", "push", ""}}, "b"},
           {{{"a", "push", ""}}, ""},
           {{{"b", "push", ""}, {"c", "push", "b"}}, "c"},
           {{{"b", "push", ""}, {"a", "push", "b"}}, "b"},
           {{{"b", "push", ""}, {"a", "push", "b"}, {"a", "schedule", ""}}, "b"},
           {{{"b", "push", ""}, {"a", "web", ""}}, "b"},
           {{{"b", "push", ""}, {"a", "push", "d"}}, "d"},
       }) {
    const std::string name = absl::StrCat("branch-", ++branch);
    SCOPED_TRACE(name);
    for (const auto& [sha, source, before] : test.pipelines) {
      PipelineRow pipeline = APipeline();
      pipeline.ref_name = name;
      pipeline.commit.sha = sha;
      pipeline.source = source;
      pipeline.before_sha = before;
      std::vector<JobRow> jobs;
      std::optional<std::string> earlier;
      ASSERT_TRUE(store().CreatePipeline(pipeline, jobs, "", &earlier).ok());
    }
    EXPECT_EQ(*store().CommitBefore(project(), name, "a"), test.before);
  }
}

TEST_F(StoreTest, AnEmptySettingIsRemoved) {
  ASSERT_TRUE(store().SetProjectSetting(project(), "coverage-regex", R"(\d+\%\s+$)").ok());
  EXPECT_EQ(store().GetProject(project())->settings.at("coverage-regex"), R"(\d+\%\s+$)");
  ASSERT_TRUE(store().SetProjectSetting(project(), "coverage-regex", "").ok());
  EXPECT_THAT(store().GetProject(project())->settings, IsEmpty());
}

TEST_F(StoreTest, VariablesAreNotInTheFileButComeBack) {
  const std::string planted = "planted-secret-4711";
  for (const bool masked : {true, false}) {
    ASSERT_TRUE(store()
                    .SetVariable(project(), {.name = masked ? "TOKEN" : "PLAIN",
                                             .value = Secret(planted),
                                             .masked = masked,
                                             .file = false})
                    .ok());
  }
  const auto variables = store().ListVariables(project());
  ASSERT_TRUE(variables.ok()) << variables.status();
  ASSERT_THAT(*variables, SizeIs(2));
  EXPECT_EQ((*variables)[1].value.Open(), planted);
  EXPECT_TRUE((*variables)[1].masked);

  Close();
  EXPECT_THAT(*os::ReadFile(db_path()), ::testing::Not(HasSubstr(planted)));
}

TEST_F(StoreTest, AVariableThatWasCopiedToAnotherRowDoesNotOpen) {
  ASSERT_TRUE(store().SetVariable(project(), {.name = "A", .value = Secret("x")}).ok());
  Close();
  Tamper("UPDATE project_variables SET name = x'42'");
  Open();
  EXPECT_EQ(store().ListVariables(project()).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace grange::store
