// Sweeps over a real store with real files.
#include "coordinator/sweep/sweeper.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "common/os/random.h"
#include "common/os/sha256.h"
#include "coordinator/sweep/stray_files.h"
#include "coordinator/trace/trace_path.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::sweep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kDay = absl::Hours(24);

class SweeperTest : public store::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    OpenAll();
  }
  void TearDown() override {
    CloseAll();
    StoreFixture::TearDown();
  }

  std::string traces_dir() const { return dir() + "/traces"; }
  void OpenAll() {
    trace::TraceStore::Options options;
    options.dir = traces_dir();
    traces_ = *trace::TraceStore::Open(options, store(), clock());
    ASSERT_TRUE(traces_->Recover().ok());
    artifacts_ = *artifact::ArtifactStore::Open({.dir = dir() + "/artifacts"});
    mirrors_ = std::make_unique<source::GitMirrors>(dir() + "/mirrors");
    ASSERT_TRUE(mirrors_->ClearLeftovers().ok());
    Sweeper::Options sweeps;
    sweeps.traces_dir = traces_dir();
    sweeps.limits = limits_;
    sweeper_ = std::make_unique<Sweeper>(std::move(sweeps), Sweeper::Parts{.store = store(),
                                                                           .traces = *traces_,
                                                                           .artifacts = *artifacts_,
                                                                           .mirrors = *mirrors_,
                                                                           .gate = gate_,
                                                                           .clock = clock()});
  }
  void CloseAll() {
    sweeper_.reset();
    traces_.reset();
  }
  // As after a kill -9: nothing is said to anybody.
  void Restart() {
    CloseAll();
    Close();
    Open();
    OpenAll();
  }

  std::string TracePath(JobId job) const { return trace::PathOf(traces_dir(), job, 1); }
  std::string ContentPath(const std::string& content) const {
    const std::string hex = absl::BytesToHexString(os::Sha256Of(content));
    return absl::StrCat(dir(), "/artifacts/", hex.substr(0, 2), "/", hex.substr(2));
  }
  void WriteTrace(JobId job, const std::string& text) {
    ASSERT_TRUE(os::MakeDirs(trace::FolderOf(traces_dir(), job)).ok());
    ASSERT_TRUE(os::WriteFile(TracePath(job), text).ok());
  }
  void PutContent(JobId job, const std::string& content) {
    const std::string sha256 = os::Sha256Of(content);
    auto upload = *artifacts_->Begin(sha256, content.size());
    ASSERT_TRUE(upload->Append(0, content).ok());
    ASSERT_TRUE(upload->Finish().ok());
    ASSERT_TRUE(store()
                    .PutArtifact({.id = absl::StrCat(job.value(), "-1"),
                                  .job = job,
                                  .attempt = 1,
                                  .name = "files",
                                  .size = content.size(),
                                  .sha256 = sha256,
                                  .created_at = clock().Now()})
                    .ok());
  }
  // One job, with a log and an artifact, ended now.
  Submitted Finished(const std::string& name) {
    Submitted submitted = Submit({name});
    schedule::StoreJob job = Run(submitted.Progress(0), 1);
    WriteTrace(job.id, "log of " + name);
    PutContent(job.id, "artifact of " + name);
    job.state = lifecycle::JobState::kFailed;
    job.phase = schedule::Phase::kNone;
    job.finished_at = clock().Now();
    store::PutTraceEnd end;
    end.job = job.id;
    end.attempt = 1;
    end.trace_bytes = 7 + name.size();
    schedule::StorePipeline pipeline;
    pipeline.id = submitted.pipeline;
    pipeline.state = lifecycle::PipelineState::kFailed;
    pipeline.finished_at = clock().Now();
    EXPECT_TRUE(store().Commit({job, end, pipeline}).ok());
    return submitted;
  }
  std::vector<Swept> Sweep(bool dry_run = false) {
    auto swept = sweeper_->Sweep(dry_run);
    EXPECT_TRUE(swept.ok()) << swept.status();
    return swept.ok() ? *swept : std::vector<Swept>();
  }
  // RemoveStrayFiles() alone.
  StrayCount Strays() {
    auto count = RemoveStrayFiles(traces_dir(), store(), *traces_, *artifacts_, clock().Now(),
                                  [] { return true; });
    EXPECT_TRUE(count.ok()) << count.status();
    return count.ok() ? *count : StrayCount{};
  }
  uint64_t CountOf(const std::string& kind) {
    const std::vector<store::UsageRow> rows = *store().ReadUsage();
    for (const store::UsageRow& row : rows) {
      if (row.kind == kind) return row.count;
    }
    return 0;
  }

  std::string Git(std::vector<std::string> arguments, absl::string_view input = {}) {
    os::ChildOptions options;
    options.argv = {"git",         "-C", dir() + "/mirrors/1.git",  "-c",
                    "user.name=A", "-c", "user.email=a@example.org"};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    const absl::StatusOr<os::RunResult> result = os::Run(std::move(options), input);
    EXPECT_TRUE(result.ok() && result->status.ok()) << (result.ok() ? result->err : "");
    return result.ok() ? std::string(absl::StripAsciiWhitespace(result->out)) : "";
  }
  // A commit of so many bytes, as the newest of `branch`.
  std::string PinCommit(const std::string& branch, size_t bytes) {
    EXPECT_EQ(project(), ProjectId(1));
    EXPECT_TRUE(mirrors_->Ensure(project()).ok());
    const std::string blob = Git({"hash-object", "-w", "--stdin"}, os::RandomBytes(bytes));
    const std::string tree = Git({"mktree"}, absl::StrCat("100644 blob ", blob, "\tfile\n"));
    const std::string sha = Git({"commit-tree", "-m", branch, tree});
    EXPECT_TRUE(mirrors_->Pin(project(), sha, branch, false).ok());
    return sha;
  }
  // A pipeline of this commit, which has ended.
  PipelineId Pipeline(const std::string& sha, const std::string& branch) {
    store::PipelineRow row = APipeline();
    row.commit.sha = sha;
    row.ref_name = branch;
    row.state = lifecycle::PipelineState::kFailed;
    row.started_at = row.finished_at = clock().Now();
    std::optional<std::string> earlier;
    std::vector<store::JobRow> jobs;
    EXPECT_TRUE(store().CreatePipeline(row, jobs, "", &earlier).ok());
    return row.id;
  }

  retention::Limits limits_;
  RemovalGate gate_;
  std::unique_ptr<source::GitMirrors> mirrors_;
  std::unique_ptr<trace::TraceStore> traces_;
  std::unique_ptr<artifact::ArtifactStore> artifacts_;
  std::unique_ptr<Sweeper> sweeper_;
};

TEST_F(SweeperTest, RemovesOldPipelinesWithTheirFilesAndSaysSo) {
  const Submitted old = Finished("old");
  const Submitted pinned = Finished("pinned");
  ASSERT_TRUE(store().PinPipeline(pinned.pipeline, true).ok());
  clock().Advance(366 * kDay);
  const Submitted newest = Finished("newest");

  const std::vector<Swept> would = Sweep(true);
  ASSERT_THAT(would, SizeIs(1));
  EXPECT_TRUE(os::Exists(TracePath(old.jobs[0].id)));

  const std::vector<Swept> swept = Sweep();
  ASSERT_THAT(swept, SizeIs(1));
  EXPECT_EQ(swept[0].kind, "pipelines");
  EXPECT_EQ(swept[0].project_name, "portal");
  EXPECT_EQ(swept[0].limit, "keep-pipelines 365 days");
  EXPECT_EQ(swept[0].count, 1u);
  EXPECT_EQ(swept[0].bytes, would[0].bytes);
  EXPECT_EQ(swept[0].oldest, clock().Now() - 366 * kDay);
  EXPECT_FALSE(os::Exists(TracePath(old.jobs[0].id)));
  EXPECT_FALSE(os::Exists(ContentPath("artifact of old")));
  for (const Submitted& kept : {pinned, newest}) {
    EXPECT_TRUE(store().GetPipeline(kept.pipeline).ok());
    EXPECT_TRUE(os::Exists(TracePath(kept.jobs[0].id)));
  }
  EXPECT_TRUE(os::Exists(ContentPath("artifact of pinned")));
  EXPECT_THAT(Sweep(), IsEmpty());
}

TEST_F(SweeperTest, RemovesLogsAndArtifactsOfPipelinesThatStay) {
  const Submitted old = Finished("old");
  clock().Advance(100 * kDay);
  Finished("newest");
  const std::vector<Swept> swept = Sweep();
  ASSERT_THAT(swept, SizeIs(2));
  EXPECT_EQ(swept[0].limit, "keep-artifacts 30 days");
  EXPECT_EQ(swept[1].limit, "keep-traces 90 days");
  EXPECT_FALSE(os::Exists(TracePath(old.jobs[0].id)));
  EXPECT_FALSE(os::Exists(ContentPath("artifact of old")));
  EXPECT_EQ(store().GetAttempt(old.jobs[0].id, 1)->trace_removed_by, "keep-traces 90 days");
}

TEST_F(SweeperTest, AProjectsOwnSettingCounts) {
  Finished("old");
  clock().Advance(kDay);
  Finished("newest");
  EXPECT_THAT(Sweep(true), IsEmpty());
  ASSERT_TRUE(store().SetProjectSetting(project(), "keep-pipelines", "1h").ok());
  EXPECT_THAT(Sweep(true), SizeIs(1));
}

TEST_F(SweeperTest, APipelineThatSomebodyBringsBackIsLetAlone) {
  const Submitted old = Finished("old");
  clock().Advance(366 * kDay);
  Finished("newest");
  {
    const RemovalGate::Use retry(gate_, old.pipeline);
    Sweep();
    EXPECT_TRUE(store().GetPipeline(old.pipeline).ok());
  }
  Sweep();
  EXPECT_FALSE(store().GetPipeline(old.pipeline).ok());
}

// Killed between the rows and the files: each step by itself, then the next start.
TEST_F(SweeperTest, C2ACrashAfterTheRowsLeavesFilesThatTheNextStartFinds) {
  const Submitted gone = Finished("gone"), no_log = Finished("no log"), kept = Finished("kept");
  ASSERT_TRUE(
      store().RemovePipelines({{.id = gone.pipeline, .limit = "x"}}, clock().Now(), 10).ok());
  ASSERT_TRUE(store().MarkTracesRemoved({{no_log.jobs[0].id, 1}}, "x", clock().Now()).ok());
  ASSERT_TRUE(
      store()
          .MarkArtifactsRemoved({(*store().ArtifactsOf(no_log.pipeline))[0].id}, "x", clock().Now())
          .ok());
  Restart();
  for (const Submitted& one : {gone, no_log}) ASSERT_TRUE(os::Exists(TracePath(one.jobs[0].id)));

  const StrayCount strays = Strays();

  EXPECT_EQ(strays.files, 4u);
  EXPECT_EQ(strays.bytes, std::string("log of gonelog of no log").size() +
                              std::string("artifact of goneartifact of no log").size());
  for (const Submitted& one : {gone, no_log}) EXPECT_FALSE(os::Exists(TracePath(one.jobs[0].id)));
  EXPECT_FALSE(os::Exists(ContentPath("artifact of gone")));
  EXPECT_FALSE(os::Exists(ContentPath("artifact of no log")));
  EXPECT_TRUE(os::Exists(TracePath(kept.jobs[0].id)));
  EXPECT_TRUE(os::Exists(ContentPath("artifact of kept")));
  EXPECT_EQ(Strays().files, 0u);
}

TEST_F(SweeperTest, C2APipelineThatIsHalfRemovedIsGoneAfterTheNextStart) {
  Submitted half = Submit({"a", "b", "c"});
  schedule::StorePipeline row;
  row.id = half.pipeline;
  row.state = lifecycle::PipelineState::kCanceled;
  ASSERT_TRUE(CommitRow(row).ok());
  ASSERT_TRUE(
      store().RemovePipelines({{.id = half.pipeline, .limit = "x"}}, clock().Now(), 1).ok());
  Restart();
  ASSERT_TRUE(FinishRemovals(
                  {.store = store(), .traces = *traces_, .artifacts = *artifacts_, .gate = gate_},
                  clock().Now())
                  .ok());
  EXPECT_THAT(std::string(store().GetJob(half.jobs[2].id).status().message()),
              HasSubstr("removed by retention"));
  EXPECT_EQ(CountOf("pipelines"), 0u);
}

TEST_F(SweeperTest, TheMarksOfALogAreCountedAndGoWithIt) {
  const Submitted old = Finished("old");
  const std::string marks = trace::MarksPathOf(traces_dir(), old.jobs[0].id, 1);
  ASSERT_TRUE(os::WriteFile(marks, "0 1000 t\n").ok());
  EXPECT_EQ(Strays().files, 0u);
  const std::vector<store::UsageRow> rows = *store().ReadUsage();
  for (const store::UsageRow& row : rows) {
    if (row.kind != "traces") continue;
    EXPECT_EQ(row.bytes, std::string("log of old0 1000 t\n").size());
  }
  clock().Advance(100 * kDay);
  Finished("newest");
  Sweep();
  EXPECT_FALSE(os::Exists(marks));
}

TEST_F(SweeperTest, C2TheMarksOfALogThatNobodyKnowsAreFound) {
  const Submitted gone = Finished("gone");
  const std::string marks = trace::MarksPathOf(traces_dir(), gone.jobs[0].id, 1);
  ASSERT_TRUE(os::WriteFile(marks, "0 1000 t\n").ok());
  ASSERT_TRUE(
      store().RemovePipelines({{.id = gone.pipeline, .limit = "x"}}, clock().Now(), 10).ok());
  ASSERT_EQ(::unlink(TracePath(gone.jobs[0].id).c_str()), 0);  // as far as the last one came
  Restart();
  Strays();
  EXPECT_FALSE(os::Exists(marks));
}

TEST_F(SweeperTest, FilesOfAPipelineThatRunsStayEvenBeforeTheirRows) {
  const Submitted running = Submit({"a"});
  WriteTrace(running.jobs[0].id, "");  // made ahead of the first byte
  EXPECT_EQ(Strays().files, 0u);
  EXPECT_TRUE(os::Exists(TracePath(running.jobs[0].id)));
}

TEST_F(SweeperTest, AnUploadUnderWayKeepsItsContentAndACutOneGoesAfterADay) {
  const std::string content = "somebody's", sha256 = os::Sha256Of(content);
  {
    auto upload = *artifacts_->Begin(sha256, content.size());
    ASSERT_TRUE(upload->Append(0, content).ok());
    ASSERT_TRUE(upload->Finish().ok());
    EXPECT_EQ(Strays().files, 0u);  // its row is still to come
    EXPECT_TRUE(artifacts_->Has(sha256));
  }
  EXPECT_EQ(Strays().files, 1u);
  EXPECT_FALSE(artifacts_->Has(sha256));
  {
    auto upload = *artifacts_->Begin(sha256, content.size());
    ASSERT_TRUE(upload->Append(0, "some").ok());
  }
  EXPECT_EQ(*artifacts_->RemoveCutUploads(absl::Hours(1), absl::Now()), 0);
  EXPECT_EQ(*artifacts_->RemoveCutUploads(absl::Hours(1), absl::Now() + kDay), 1);
}

TEST_F(SweeperTest, CorrectsTheSizesOfTracesThatTheRowsHaveWrong) {
  const Submitted one = Finished("one");
  WriteTrace(one.jobs[0].id, "longer than the row says");
  Strays();
  EXPECT_EQ(store().RetentionStock()->traces[0].bytes, 24u);
  ASSERT_TRUE(os::RemoveTree(TracePath(one.jobs[0].id)).ok());
  Strays();
  EXPECT_THAT(store().RetentionStock()->traces, IsEmpty());
}

TEST_F(SweeperTest, CommitsOfRemovedPipelinesGoAfterTheirTimeAndTheMirrorGetsSmaller) {
  const std::string gone = PinCommit("main", 300'000), kept = PinCommit("main", 1000);
  Pipeline(gone, "main");
  clock().Advance(366 * kDay);
  Pipeline(kept, "main");
  EXPECT_THAT(Sweep(), SizeIs(1));  // the pipeline; its commit is noted as unwanted
  EXPECT_TRUE(mirrors_->HasCommit(project(), gone));
  clock().Advance(29 * kDay);
  EXPECT_THAT(Sweep(), IsEmpty());
  clock().Advance(kDay);
  const uint64_t before = mirrors_->BytesOf(project());
  const std::vector<Swept> would = Sweep(true);
  ASSERT_THAT(would, SizeIs(1));
  EXPECT_GT(would[0].bytes, 300'000u);

  const std::vector<Swept> swept = Sweep();

  ASSERT_THAT(swept, SizeIs(1));
  EXPECT_EQ(swept[0].kind, "mirrors");
  EXPECT_EQ(swept[0].project_name, "portal");
  EXPECT_EQ(swept[0].limit, "keep-mirrors 30 days");
  EXPECT_EQ(swept[0].count, 1u);
  EXPECT_EQ(swept[0].bytes, before - mirrors_->BytesOf(project()));
  EXPECT_EQ(swept[0].oldest, clock().Now() - 30 * kDay);
  EXPECT_FALSE(mirrors_->HasCommit(project(), gone));
  EXPECT_TRUE(mirrors_->HasCommit(project(), kept));
  const std::vector<store::UsageRow> rows = *store().ReadUsage();
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [](const store::UsageRow& r) { return r.kind == "mirrors"; });
  ASSERT_NE(row, rows.end());
  EXPECT_EQ(row->swept_count, 1u);
  EXPECT_EQ(row->swept_bytes, swept[0].bytes);
  EXPECT_EQ(row->swept_at, clock().Now());
}

TEST_F(SweeperTest, OfAMirrorThatIsTooLargeUnwantedCommitsGoAtOnceAndTheRestIsSaid) {
  limits_.mirrors.bytes = 500'000;
  OpenAll();
  const std::string unwanted = PinCommit("side", 300'000), kept = PinCommit("main", 600'000);
  Pipeline(kept, "main");
  testing::internal::CaptureStderr();
  const std::vector<Swept> swept = Sweep();
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("over_limit"), HasSubstr("kind=mirrors")));
  ASSERT_THAT(swept, SizeIs(1));
  EXPECT_EQ(swept[0].limit, "mirrors-size 488.3 KiB");
  EXPECT_GT(swept[0].bytes, 300'000u);
  EXPECT_FALSE(mirrors_->HasCommit(project(), unwanted));
  EXPECT_TRUE(mirrors_->HasCommit(project(), kept));
  EXPECT_THAT(Sweep(), IsEmpty());
}

TEST_F(SweeperTest, AProjectsOwnSizeOfItsMirrorCountsForItAlone) {
  const std::string unwanted = PinCommit("side", 1'300'000), kept = PinCommit("main", 1000);
  Pipeline(kept, "main");
  ASSERT_TRUE(store().SetProjectSetting(project(), "mirrors-size", "1 MiB").ok());
  const std::vector<Swept> swept = Sweep();
  ASSERT_THAT(swept, SizeIs(1));
  EXPECT_EQ(swept[0].limit, "mirrors-size 1 MiB");
  EXPECT_FALSE(mirrors_->HasCommit(project(), unwanted));
}

TEST_F(SweeperTest, SourcesOfPinnedPipelinesStay) {
  const std::string sha = PinCommit("main", 1000), newest = PinCommit("main", 1000);
  const PipelineId pinned = Pipeline(sha, "main");
  ASSERT_TRUE(store().PinPipeline(pinned, true).ok());
  clock().Advance(1000 * kDay);
  Pipeline(newest, "main");
  Sweep();
  clock().Advance(1000 * kDay);
  Sweep();
  EXPECT_TRUE(mirrors_->HasCommit(project(), sha));
  EXPECT_TRUE(mirrors_->ReadFile(project(), sha, "file", 10'000).ok());
}

}  // namespace
}  // namespace grange::sweep
