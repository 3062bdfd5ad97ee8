// What retention reads, removes and counts.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::store {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class RetentionRowsTest : public StoreFixture {
 protected:
  // A finished pipeline whose jobs each have an attempt with a log of 100 bytes and an artifact.
  Submitted Finished(const std::vector<std::string>& jobs, const std::string& content = "") {
    Submitted submitted = Submit(jobs);
    for (int i = 0; i < static_cast<int>(jobs.size()); ++i) {
      schedule::StoreJob job = Run(submitted.Progress(i), 1);
      job.state = lifecycle::JobState::kSuccess;
      job.phase = schedule::Phase::kNone;
      job.finished_at = clock().Now();
      PutTraceEnd end;
      end.job = job.id;
      end.attempt = 1;
      end.trace_bytes = 100;
      EXPECT_TRUE(store().Commit({job, end}).ok());
      PutContent(job.id, content.empty() ? absl::StrCat("content-", job.id.value()) : content);
    }
    Finish(submitted.pipeline);
    return submitted;
  }
  void Finish(PipelineId id) {
    schedule::StorePipeline row;
    row.id = id;
    row.state = lifecycle::PipelineState::kSuccess;
    row.started_at = row.finished_at = clock().Now();
    EXPECT_TRUE(CommitRow(row).ok());
  }
  void PutContent(JobId job, const std::string& content, AttemptNumber attempt = 1) {
    ArtifactRow artifact;
    artifact.id = absl::StrCat(job.value(), "-", attempt, "-", content);
    artifact.job = job;
    artifact.attempt = attempt;
    artifact.size = 1000;
    artifact.sha256 = content;
    artifact.created_at = clock().Now();
    EXPECT_TRUE(store().PutArtifact(artifact).ok());
  }
  UsageRow UsageOf(const std::string& kind) {
    const std::vector<UsageRow> rows = *store().ReadUsage();
    for (const UsageRow& row : rows) {
      if (row.kind == kind) return row;
    }
    return {};
  }
  RemovedPipelines Remove(PipelineId id, int jobs_max = 1000) {
    auto removed = store().RemovePipelines({{.id = id, .limit = "keep-pipelines 365 days"}},
                                           clock().Now(), jobs_max);
    EXPECT_TRUE(removed.ok()) << removed.status();
    return removed.ok() ? *removed : RemovedPipelines{};
  }
};

TEST_F(RetentionRowsTest, APipelineGoesWithAllItsRowsAndNamesItsFiles) {
  const Submitted first = Finished({"a", "b"});
  const Submitted second = Finished({"c"});
  const RemovedPipelines removed = Remove(first.pipeline);
  EXPECT_THAT(removed.gone, ElementsAre(first.pipeline));
  EXPECT_THAT(removed.files.traces, ElementsAre(TraceKey(first.jobs[0].id, 1), TraceKey(first.jobs[1].id, 1)));
  EXPECT_THAT(removed.files.contents, SizeIs(2));
  EXPECT_TRUE(store().GetPipeline(second.pipeline).ok());
  EXPECT_THAT(*store().ArtifactsOf(first.pipeline), IsEmpty());
  EXPECT_THAT(*store().AttemptsOf(first.jobs[0].id), IsEmpty());
  EXPECT_EQ(UsageOf("pipelines").count, 1u);
  EXPECT_EQ(UsageOf("traces").bytes, 100u);
  EXPECT_EQ(UsageOf("artifacts").bytes, 1000u);
  Close();
  Tamper("PRAGMA foreign_key_check");
  Open();  // with quick_check
}

TEST_F(RetentionRowsTest, SaysOfAPipelineAndItsJobsWhenTheyWereRemovedAndByWhichLimit) {
  const Submitted first = Finished({"a", "b"});
  const Submitted second = Finished({"c"});
  Remove(first.pipeline);
  const auto says = AllOf(HasSubstr("removed by retention on 2025-06-15"),
                          HasSubstr("(keep-pipelines 365 days)"));
  EXPECT_THAT(std::string(store().GetPipeline(first.pipeline).status().message()), says);
  EXPECT_THAT(std::string(store().GetJob(first.jobs[1].id).status().message()), says);
  EXPECT_THAT(std::string(store().PinPipeline(first.pipeline, true).message()), says);
  EXPECT_THAT(std::string(store().GetPipeline(PipelineId(99)).status().message()),
              HasSubstr("there is no pipeline 99;"));
  EXPECT_THAT(std::string(store().GetJob(JobId(99)).status().message()),
              HasSubstr("there is no job 99;"));
}

TEST_F(RetentionRowsTest, WhatRunsOrIsPinnedIsNotRemovedWhateverTheSweeperThinks) {
  const Submitted running = Submit({"a"});
  Run(running.Progress(0), 1);
  const Submitted pinned = Finished({"b"});
  ASSERT_TRUE(store().PinPipeline(pinned.pipeline, true).ok());
  for (const PipelineId id : {running.pipeline, pinned.pipeline}) {
    EXPECT_THAT(Remove(id).gone, IsEmpty());
    EXPECT_THAT(Remove(id).done, ElementsAre(id));
    EXPECT_TRUE(store().GetPipeline(id).ok());
  }
  const std::vector<TraceKey> keys = {{running.jobs[0].id, 1}, {pinned.jobs[0].id, 1}};
  EXPECT_THAT(store().MarkTracesRemoved(keys, "x", clock().Now())->traces, IsEmpty());
  const std::string artifact = (*store().ArtifactsOf(pinned.pipeline))[0].id;
  EXPECT_THAT(store().MarkArtifactsRemoved({artifact}, "x", clock().Now())->contents, IsEmpty());
  ASSERT_TRUE(store().PinPipeline(pinned.pipeline, false).ok());
  EXPECT_THAT(Remove(pinned.pipeline).gone, ElementsAre(pinned.pipeline));
}

TEST_F(RetentionRowsTest, C2ALargePipelineGoesInPiecesAndOneThatACrashLeftIsFound) {
  const Submitted large = Finished({"a", "b", "c", "d", "e"});
  const RemovedPipelines piece = Remove(large.pipeline, 2);
  EXPECT_THAT(piece.done, IsEmpty());
  EXPECT_THAT(piece.files.traces, SizeIs(2));
  Close();  // and never goes on
  Open();
  EXPECT_FALSE(store().PinPipeline(large.pipeline, true).ok());
  std::vector<PipelineRemoval> half = *store().HalfRemovedPipelines();
  ASSERT_THAT(half, SizeIs(1));
  EXPECT_EQ(half[0].limit, "keep-pipelines 365 days");
  EXPECT_THAT(Remove(large.pipeline, 3).gone, IsEmpty());  // all jobs, but not the pipeline
  EXPECT_THAT(Remove(large.pipeline, 3).gone, ElementsAre(large.pipeline));
  EXPECT_THAT(*store().HalfRemovedPipelines(), IsEmpty());
  EXPECT_THAT(std::string(store().GetJob(large.jobs[0].id).status().message()),
              HasSubstr("removed by retention"));
}

TEST_F(RetentionRowsTest, AMarkedTraceKeepsItsRowWithDayAndLimit) {
  const Submitted first = Finished({"a"});
  const std::vector<TraceKey> keys = {{first.jobs[0].id, 1}};
  EXPECT_THAT(store().MarkTracesRemoved(keys, "keep-traces 90 days", clock().Now())->traces,
              SizeIs(1));
  const AttemptRow row = *store().GetAttempt(first.jobs[0].id, 1);
  EXPECT_EQ(row.trace_removed_at, clock().Now());
  EXPECT_EQ(row.trace_removed_by, "keep-traces 90 days");
  EXPECT_EQ(row.trace_bytes, 100u);  // as it was
  EXPECT_EQ(UsageOf("traces").count, 0u);
  EXPECT_EQ(UsageOf("traces").bytes, 0u);
  EXPECT_THAT(store().MarkTracesRemoved(keys, "again", clock().Now())->traces, IsEmpty());
  EXPECT_THAT(store().RetentionStock()->traces, IsEmpty());
}

TEST_F(RetentionRowsTest, EqualContentsCountOnceAndStayWhileOneRowWantsThem) {
  const Submitted first = Finished({"a"}, "same");
  const Submitted second = Finished({"b"}, "same");
  EXPECT_EQ(UsageOf("artifacts").count, 2u);
  EXPECT_EQ(UsageOf("artifacts").bytes, 1000u);
  const std::string id = (*store().ArtifactsOf(first.pipeline))[0].id;
  EXPECT_THAT(store().MarkArtifactsRemoved({id}, "expire_in", clock().Now())->contents,
              ElementsAre("same"));
  EXPECT_TRUE(*store().ContentInUse("same"));
  EXPECT_EQ(UsageOf("artifacts").bytes, 1000u);
  EXPECT_THAT(Remove(second.pipeline).files.contents, ElementsAre("same"));
  EXPECT_FALSE(*store().ContentInUse("same"));
  EXPECT_EQ(UsageOf("artifacts").bytes, 0u);
  EXPECT_EQ(UsageOf("artifacts").count, 0u);
}

TEST_F(RetentionRowsTest, AnArtifactExpiresAsItsJobSays) {
  PipelineRow pipeline = APipeline();
  std::vector<JobRow> jobs = {AJob(0, "setting"), AJob(1, "day"), AJob(2, "never")};
  jobs[1].expire_in = absl::Hours(24);
  jobs[2].expire_in = absl::InfiniteDuration();
  std::optional<std::string> earlier;
  ASSERT_TRUE(store().CreatePipeline(pipeline, jobs, "", &earlier).ok());
  for (const JobRow& job : jobs) PutContent(job.id, absl::StrCat(job.name));
  const std::vector<ArtifactRow> rows = *store().ArtifactsOf(pipeline.id);
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_EQ(rows[0].expires_at, std::nullopt);
  EXPECT_EQ(rows[1].expires_at, clock().Now() + absl::Hours(24));
  EXPECT_EQ(rows[2].expires_at, absl::InfiniteFuture());
}

TEST_F(RetentionRowsTest, TheAuditLogAndRequestKeysGoByTheirAge) {
  const Actor ada{.user = "ada", .token = {}, .peer = "", .call = "test"};
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store().PutAudit(ada, absl::StrCat("old ", i)).ok());
  ASSERT_TRUE(store().PutAnswer("key", "answer").ok());
  clock().Advance(absl::Hours(48));
  ASSERT_TRUE(store().PutAudit(ada, "new").ok());
  EXPECT_EQ(UsageOf("audit").count, 6u);
  const absl::Time before = clock().Now() - absl::Hours(24);
  EXPECT_EQ(store().AuditBefore(before)->count, 5u);
  EXPECT_EQ(*store().RemoveAudit(before, retention::kNoBytesLimit, 3), 3u);
  EXPECT_EQ(*store().RemoveAudit(before, retention::kNoBytesLimit, 3), 2u);
  EXPECT_EQ(*store().RemoveAudit(before, retention::kNoBytesLimit, 3), 0u);
  EXPECT_EQ(*store().RemoveAudit(before, 1, 3), 1u);  // by size
  EXPECT_EQ(UsageOf("audit").count, 0u);
  EXPECT_EQ(*store().RemoveRequestKeys(10), 1u);
  EXPECT_EQ(*store().RemoveRequestKeys(10), 0u);
}

// The counters, whatever happens, are what counting gives.
TEST_F(RetentionRowsTest, TheUsageIsWhatCountingGives) {
  std::vector<Submitted> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(Finished({"a", "b"}, i % 2 == 0 ? "shared" : ""));
    clock().Advance(absl::Hours(1));
  }
  ASSERT_TRUE(store().PutTraceSizes({{.key = {all[1].jobs[0].id, 1}, .stored = 40}}).ok());
  ASSERT_TRUE(store().MarkTracesRemoved({{all[2].jobs[0].id, 1}}, "x", clock().Now()).ok());
  Remove(all[0].pipeline);
  Remove(all[3].pipeline, 1);
  const retention::Stock stock = *store().RetentionStock();
  uint64_t traces = 0, artifacts = 0, pipelines = 0;
  for (const auto& item : stock.traces) traces += item.bytes;
  for (const auto& item : stock.artifacts) artifacts += item.bytes;
  for (const auto& item : stock.pipelines) pipelines += item.bytes;
  EXPECT_EQ(UsageOf("traces").bytes, traces);
  EXPECT_EQ(UsageOf("traces").count, stock.traces.size());
  EXPECT_EQ(UsageOf("artifacts").bytes, artifacts);
  EXPECT_EQ(UsageOf("artifacts").count, stock.artifacts.size());
  EXPECT_EQ(UsageOf("pipelines").bytes, pipelines);
}

}  // namespace
}  // namespace grange::store
