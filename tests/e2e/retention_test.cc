// What is kept and what goes, on a whole farm.
#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/os/files.h"
#include "common/os/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A log and artifacts that don't compress; a job that runs until the file $GATE is there.
constexpr char kConfig[] = R"yaml(
make:
  stage: build
  script:
    - head -c 300000 /dev/urandom | base64 -w 0
    - head -c 500000 /dev/urandom > out
  artifacts: {paths: [out]}
gate:
  stage: test
  script: ['test -z "$GATE" || until [ -e "$GATE" ]; do sleep 0.05; done']
)yaml";

uint64_t SizeBelow(const std::string& folder, const std::string& without = "") {
  uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    const std::string path = entry.path();
    if (!without.empty() && absl::StrContains(path, without)) continue;
    if (entry.is_regular_file(error)) bytes += entry.file_size(error);
  }
  return bytes;
}

class RetentionTest : public ::testing::Test {
 protected:
  void StartFarm(std::vector<std::string> arguments, double time_scale = 1) {
    Farm::Options options;
    options.time_scale = time_scale;
    options.coordinator_arguments = std::move(arguments);
    farm_ = std::make_unique<Farm>(options);
    farm_->AddAgent();
    repo_ = farm_->MakeRepository("app", kConfig);
  }
  void TearDown() override { EXPECT_EQ(farm_->StopAndFindLeftovers(), ""); }

  int64_t Finished(const std::vector<std::string>& more = {}) {
    const int64_t pipeline = farm_->Submit(repo_, more);
    EXPECT_EQ(farm_->WaitForPipeline(pipeline), "success");
    return pipeline;
  }
  std::string JobId(int64_t pipeline, const std::string& name = "make") {
    return absl::StrCat(farm_->Job(pipeline, name).value("id", 0));
  }
  json Line(const json& usage, const std::string& kind, const std::string& project) {
    for (const json& line : usage["usage"]) {
      if (Text(line, "kind") == kind && Text(line, "project") == project) return line;
    }
    return {};
  }
  json Usage() { return farm_->Ctl({"usage", "-o", "json"}).json(); }
  // Without that of the job that still runs.
  uint64_t TraceBytes() {
    return SizeBelow(farm_->CoordinatorState() + "/traces", absl::StrCat("/", running_, "-"));
  }
  uint64_t ArtifactBytes() {
    return SizeBelow(farm_->CoordinatorState() + "/artifacts", "/incoming/");
  }
  // Bytes of rows and of files are told of at slightly different times.
  void ExpectUsageIsWhatTheDiskHas() {
    EXPECT_TRUE(Eventually([&] {
      const json usage = Usage();
      return Line(usage, "traces", "app").value("bytes", uint64_t{0}) == TraceBytes() &&
             Line(usage, "artifacts", "app").value("bytes", uint64_t{0}) == ArtifactBytes();
    })) << Usage().dump(1)
        << "\ntraces " << TraceBytes() << ", artifacts " << ArtifactBytes();
  }
  bool Has(int64_t pipeline) { return farm_->Ctl({"jobs", absl::StrCat(pipeline)}).exit_code == 0; }

  std::unique_ptr<Farm> farm_;
  std::string repo_;
  std::string running_ = "none";
};

TEST_F(RetentionTest, ASweepRemovesWhatMayGoAndNothingElseAndTheDiskGetsSmaller) {
  StartFarm({});
  const int64_t pinned = Finished(), old = Finished(), older_success = Finished();
  const std::string old_job = JobId(old);
  EXPECT_EQ(farm_->Ctl({"pin", absl::StrCat(pinned)}).exit_code, 0);
  const std::string gate = farm_->dir() + "/gate";
  const int64_t running = farm_->Submit(repo_, {"--var", "GATE=" + gate});
  ASSERT_TRUE(farm_->WaitForJob(running, "gate", "running"));
  running_ = JobId(running, "gate");
  const json listed = farm_->Ctl({"pipelines", "-o", "json"}).json()["pipelines"];
  for (const json& one : listed) EXPECT_EQ(one["pinned"], one["id"] == pinned) << one.dump();
  ExpectUsageIsWhatTheDiskHas();
  const uint64_t before = TraceBytes() + ArtifactBytes();

  EXPECT_THAT(farm_->Ctl({"sweep", "--dry-run"}).out, HasSubstr("nothing would be removed"));
  EXPECT_EQ(farm_->Ctl({"project", "set", "app", "keep-pipelines", "1 second"}).exit_code, 0);
  json would;
  ASSERT_TRUE(Eventually([&] {
    would = farm_->Ctl({"sweep", "--dry-run", "-o", "json"}).json()["swept"];
    return would.size() == 1;
  }));
  EXPECT_EQ(would[0]["count"], 1) << would.dump();
  EXPECT_EQ(would[0]["limit"], "keep-pipelines 1.0 s");
  EXPECT_TRUE(Has(old));

  const json swept = farm_->Ctl({"sweep", "-o", "json"}).json()["swept"];
  EXPECT_EQ(swept, would);

  EXPECT_FALSE(Has(old));
  for (const int64_t kept : {pinned, older_success, running}) {
    EXPECT_TRUE(Has(kept)) << kept;
    EXPECT_GT(farm_->Trace(farm_->Job(kept, "make").value("id", 0)).size(), 300'000u) << kept;
  }
  EXPECT_LT(TraceBytes() + ArtifactBytes(), before - 700'000);
  ExpectUsageIsWhatTheDiskHas();
  const json removed = Line(Usage(), "pipelines", "app")["removed"];
  EXPECT_EQ(removed["count"], 1);
  EXPECT_EQ(removed["bytes"], swept[0]["bytes"]);
  EXPECT_THAT(farm_->coordinator().Log(), HasSubstr("swept kind=pipelines project=app"));

  const auto says = AllOf(HasSubstr(absl::StrCat("pipeline ", old, " was removed by retention on")),
                          HasSubstr("(keep-pipelines 1.0 s)"));
  EXPECT_THAT(farm_->Ctl({"job", old_job}).err, says);
  EXPECT_THAT(farm_->Ctl({"logs", old_job}).err, says);
  EXPECT_THAT(farm_->Ctl({"retry-job", old_job}).err, says);
  EXPECT_THAT(farm_->Ctl({"watch", absl::StrCat(old)}).err, says);
  EXPECT_THAT(farm_->Ctl({"pin", absl::StrCat(old)}).err, says);

  std::string audit = farm_->Ctl({"audit"}).out;
  EXPECT_THAT(audit, AllOf(HasSubstr(absl::StrCat("pipeline ", pinned, " is pinned")),
                           HasSubstr("a sweep removed 1 things")));
  // What was pinned goes once it isn't.
  EXPECT_EQ(farm_->Ctl({"unpin", absl::StrCat(pinned)}).exit_code, 0);
  EXPECT_EQ(farm_->Ctl({"sweep"}).exit_code, 0);
  EXPECT_FALSE(Has(pinned));
  ASSERT_TRUE(os::WriteFile(gate, "").ok());
  EXPECT_EQ(farm_->WaitForPipeline(running), "success");
}

TEST_F(RetentionTest, LogsAndArtifactsGoByThemselvesAndTheAnswersSaySo) {
  // The first sweep after 0.2 s, others at least 1.2 s apart.
  StartFarm({"--keep-traces", "2 seconds"}, 0.02);
  farm_->Commit(repo_, {{".gitlab-ci.yml", R"yaml(
make:
  stage: build
  script: ['echo made > out']
  artifacts: {paths: [out], expire_in: 2 seconds}
keep:
  stage: build
  script: ['echo kept > kept']
  artifacts: {paths: [kept], expire_in: never}
use:
  stage: test
  when: manual
  needs: [make]
  script: ['cat out']
)yaml"}});
  const int64_t first = Finished();
  const std::string make = JobId(first), keep = JobId(first, "keep"), use = JobId(first, "use");
  // Another success on the branch: the first one's are no longer the newest.
  const int64_t second = Finished();
  ASSERT_TRUE(Eventually([&] {
    const json job = farm_->Ctl({"job", make, "-o", "json"}).json();
    return !job["artifacts"][0]["removed_at"].is_null() &&
           !job["attempts"][0]["log_removed_at"].is_null();
  })) << farm_->Ctl({"job", make, "-o", "json"}).out;
  EXPECT_THAT(farm_->Ctl({"logs", make}).err,
              AllOf(HasSubstr("was removed by retention on"), HasSubstr("(keep-traces 2.0 s)")));
  EXPECT_EQ(farm_->Ctl({"logs", make}).exit_code, 1);
  EXPECT_THAT(farm_->Ctl({"job", make}).out, HasSubstr("by retention (expire_in)"));
  EXPECT_THAT(farm_->coordinator().Log(), AllOf(HasSubstr("swept kind=traces project=app"),
                                                HasSubstr("swept kind=artifacts project=app")));
  // `never`, and the newest success, which is over its time as well.
  EXPECT_TRUE(
      farm_->Ctl({"job", keep, "-o", "json"}).json()["artifacts"][0]["removed_at"].is_null());
  EXPECT_TRUE(farm_->Ctl({"job", JobId(second), "-o", "json"})
                  .json()["artifacts"][0]["removed_at"]
                  .is_null());
  EXPECT_THAT(farm_->Trace(farm_->Job(second, "make").value("id", 0)), HasSubstr("echo made"));

  // A job that needs them isn't begun; made again they are there.
  const CtlResult refused = farm_->Ctl({"play", use});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("needs the artifacts of job 'make'"),
                                 HasSubstr("grangectl retry-job " + make)));
  EXPECT_EQ(farm_->Ctl({"pin", absl::StrCat(first)}).exit_code, 0);
  EXPECT_EQ(farm_->Ctl({"retry-job", make}).exit_code, 0);
  EXPECT_EQ(farm_->WaitForPipeline(first), "success");
  EXPECT_EQ(farm_->Ctl({"play", use}).exit_code, 0);
  EXPECT_TRUE(farm_->WaitForJob(first, "use", "success"));
}

TEST_F(RetentionTest, ASizeLimitThatIsPassedIsNoticedAtOnce) {
  StartFarm({"--traces-size", "1 MiB"}, 0.02);
  std::vector<int64_t> pipelines;
  for (int i = 0; i < 5; ++i) pipelines.push_back(Finished());
  EXPECT_TRUE(Eventually([&] { return TraceBytes() <= 1 << 20; })) << TraceBytes();
  EXPECT_THAT(farm_->Ctl({"logs", JobId(pipelines[0])}).err, HasSubstr("(traces-size 1 MiB)"));
  EXPECT_GT(farm_->Trace(farm_->Job(pipelines[4], "make").value("id", 0)).size(), 300'000u);
  ExpectUsageIsWhatTheDiskHas();
}

TEST_F(RetentionTest, APipelineThatWaitsForAPersonGoesWhenNobodyHasTouchedItForLongEnough) {
  StartFarm({}, 0.02);
  farm_->Commit(repo_, {{".gitlab-ci.yml", R"yaml(
make: {stage: build, script: ['true']}
deploy: {stage: deploy, when: manual, allow_failure: false, script: ['true']}
)yaml"}});
  const auto waits = [&] {
    const int64_t pipeline = farm_->Submit(repo_);
    EXPECT_EQ(farm_->WaitForJob(pipeline, "deploy", "manual"), true);
    return pipeline;
  };
  const int64_t old = waits(), pinned = waits(), played = waits(), newest = waits();
  EXPECT_EQ(farm_->Ctl({"pin", absl::StrCat(pinned)}).exit_code, 0);
  EXPECT_EQ(farm_->Ctl({"play", JobId(played, "deploy")}).exit_code, 0);
  EXPECT_EQ(farm_->WaitForPipeline(played), "success");
  EXPECT_THAT(farm_->Ctl({"sweep"}).out, HasSubstr("nothing was removed"));
  EXPECT_EQ(farm_->Ctl({"project", "set", "app", "keep-pipelines", "1 second"}).exit_code, 0);
  ASSERT_TRUE(Eventually([&] {
    return absl::StrContains(farm_->Ctl({"sweep", "--dry-run"}).out, "keep-pipelines");
  }));
  EXPECT_TRUE(Has(old));
  EXPECT_EQ(farm_->Ctl({"sweep"}).exit_code, 0);
  EXPECT_FALSE(Has(old));
  for (const int64_t kept : {pinned, played, newest}) EXPECT_TRUE(Has(kept)) << kept;
  EXPECT_THAT(farm_->Ctl({"play", JobId(pinned, "deploy")}).err, "");
  EXPECT_EQ(farm_->WaitForPipeline(pinned), "success");
}

TEST_F(RetentionTest, SourcesOfRemovedPipelinesGoAndTheProjectGoesOn) {
  StartFarm({"--keep-pipelines", "1 second", "--keep-mirrors", "1 second"}, 0.02);
  const std::string mirror = farm_->CoordinatorState() + "/mirrors/1.git";
  const auto has = [&](const std::string& sha) {
    return farm_->RunProgram("/usr/bin/git", {"--git-dir", mirror, "cat-file", "-e", sha})
               .exit_code == 0;
  };
  const auto amend = [&](const std::string& text) {
    EXPECT_TRUE(os::WriteFile(repo_ + "/file", text).ok());
    farm_->Git(repo_, {"add", "file"});
    farm_->Git(repo_, {"commit", "--quiet", "--amend", "-m", "again"});
    return farm_->Git(repo_, {"rev-parse", "HEAD"});
  };
  const std::string gone = amend(os::RandomBytes(3'000'000));
  const int64_t first = Finished();
  const json before = Line(Usage(), "mirrors", "app");
  EXPECT_EQ(before["count"], 1) << before.dump();
  EXPECT_GT(before["bytes"], 3'000'000) << before.dump();
  EXPECT_EQ(before["age_limit"], 1.0);
  ASSERT_TRUE(has(gone));

  const std::string kept = amend("small");
  Finished();

  // By itself: the first pipeline, then its commit, then the bytes.
  ASSERT_TRUE(Eventually([&] { return !has(gone); })) << farm_->coordinator().Log();
  EXPECT_FALSE(Has(first));
  EXPECT_TRUE(has(kept));
  json after;
  EXPECT_TRUE(Eventually([&] {
    after = Line(Usage(), "mirrors", "app");
    return after["removed"].value("count", 0) == 1;
  })) << after.dump();
  EXPECT_LT(after["bytes"], 1'000'000) << after.dump();
  EXPECT_GT(after["removed"]["bytes"], 2'900'000) << after.dump();
  EXPECT_THAT(farm_->coordinator().Log(),
              HasSubstr("swept kind=mirrors project=app limit=\"keep-mirrors 1.0 s\" count=1"));
  // What is there still can be run, what is gone comes back with a submit.
  farm_->Git(repo_, {"reset", "--quiet", "--hard", gone});
  Finished();
  EXPECT_TRUE(has(gone));
}

TEST(AgentRetentionTest, IdleWorkTreesAndMirrorsGoAfterAJobAndThoseOfARunningJobStay) {
  Farm farm(Farm::Options{.time_scale = 1,
                          .coordinator_arguments = {},
                          .agent_environment = {},
                          .prepare_state = {},
                          .agent_arguments = {"--keep-work-trees", "0s", "--keep-mirrors", "0s",
                                              "--sweep-every", "0s"}});
  farm.AddAgent();
  const std::string gate = farm.dir() + "/gate";
  const std::string runs = farm.MakeRepository(
      "runs",
      absl::StrCat("job: {script: ['until [ -e ", gate,
                   " ]; do sleep 0.05; done', 'cat file', 'git show HEAD:file']}\n"),
      {{"file", "still here\n"}});
  const std::string ends = farm.MakeRepository("ends", "job: {script: ['true']}\n");
  const int64_t running = farm.Submit(runs);
  ASSERT_TRUE(farm.WaitForJob(running, "job", "running"));
  ASSERT_EQ(farm.WaitForPipeline(farm.Submit(ends)), "success");
  const auto gone_from_log = [&](const std::string& kind, const std::string& folder) {
    return Eventually([&] {
      for (const absl::string_view line : absl::StrSplit(farm.agent("agent-1").Log(), '\n')) {
        if (absl::StrContains(line,
                              absl::StrCat("idle_folders_removed kind=", kind, " count=1 ")) &&
            absl::EndsWith(line, absl::StrCat(" folders=", folder))) {
          return true;
        }
      }
      return false;
    });
  };
  EXPECT_TRUE(gone_from_log("work_trees", "workspaces/1/ends")) << farm.Logs();
  EXPECT_TRUE(gone_from_log("mirrors", "mirrors/2.git")) << farm.Logs();
  const std::string state = farm.AgentState("agent-1");
  EXPECT_FALSE(os::Exists(state + "/workspaces/1/ends"));
  EXPECT_FALSE(os::Exists(state + "/mirrors/2.git"));
  // Its files and the commits that it borrows.
  ASSERT_TRUE(os::WriteFile(gate, "").ok());
  EXPECT_EQ(farm.WaitForPipeline(running), "success");
  EXPECT_THAT(farm.Trace(farm.Job(running, "job")["id"]),
              HasSubstr("still here\n$ git show HEAD:file\nstill here\n"));
  EXPECT_TRUE(gone_from_log("work_trees", "workspaces/0/runs")) << farm.Logs();
  // What is gone is made anew.
  EXPECT_EQ(farm.WaitForPipeline(farm.Submit(runs)), "success");
  EXPECT_EQ(farm.StopAndFindLeftovers(), "");
}

TEST(AgentRetentionTest, UsageShowsWhatEachAgentKeepsAndOfWhenThatIs) {
  Farm farm(Farm::Options{.time_scale = 0.02,
                          .coordinator_arguments = {},
                          .agent_environment = {},
                          .prepare_state = {},
                          .agent_arguments = {"--sweep-every", "0s"}});
  const auto line = [&](const std::string& agent, const std::string& kind) -> json {
    const json usage = farm.Ctl({"usage", "-o", "json"}).json();
    for (const json& one : usage["usage"]) {
      if (Text(one, "agent") == agent && Text(one, "kind") == kind) return one;
    }
    return json::object();
  };
  farm.AddAgent();
  EXPECT_TRUE(Eventually([&] { return line("agent-1", "work trees").value("count", -1) == 0; }));
  const std::string repo = farm.MakeRepository(
      "app", "job: {script: ['head -c 3000000 /dev/urandom > left', 'true']}\n");
  ASSERT_EQ(farm.WaitForPipeline(farm.Submit(repo)), "success");
  json work_trees;
  EXPECT_TRUE(Eventually([&] {
    work_trees = line("agent-1", "work trees");
    return work_trees.value("count", -1) == 1 && work_trees.value("bytes", 0) > 3'000'000;
  })) << work_trees.dump();
  EXPECT_TRUE(Eventually([&] { return line("agent-1", "agent mirrors").value("count", -1) == 1; }));
  EXPECT_TRUE(line("agent-1", "spool").is_object());
  EXPECT_THAT(farm.Ctl({"usage"}).out,
              AllOf(HasSubstr("work trees"), HasSubstr("agent mirrors"), HasSubstr(" now")));
  // The figures of one that is away stay, and say of when they are.
  farm.KillAgent("agent-1", SIGTERM);
  EXPECT_TRUE(Eventually([&] {
    const std::string out = farm.Ctl({"usage"}).out;
    return absl::StrContains(out, "agent-1") && !absl::StrContains(out, " now");
  })) << farm.Ctl({"usage"}).out;
  EXPECT_EQ(line("agent-1", "work trees").value("count", -1), 1);
  // The coordinator keeps them in memory only.
  farm.KillCoordinator();
  farm.StartCoordinator();
  EXPECT_THAT(farm.Ctl({"usage"}).out, HasSubstr("not counted yet"));
  EXPECT_EQ(farm.StopAndFindLeftovers(), "");
}

}  // namespace
}  // namespace grange::test
