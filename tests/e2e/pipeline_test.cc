// What a user sees of pipelines that run on a real farm.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

TEST(PipelineTest, RunsStagesInOrderAndHandsArtifactsOn) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app", R"yaml(
stages: [build, check]
build:
  stage: build
  script:
    - mkdir -p out/deep
    - printf 'made of %s' "$CI_COMMIT_SHORT_SHA" > out/deep/file
    - ln -s deep/file out/link
  artifacts:
    paths: [out/]
check:
  stage: check
  script:
    - cat out/link
    - test "$(cat README)" = hello
)yaml",
                                               {{"README", "hello\n"}});

  const int64_t pipeline = farm.Submit(repo);

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
  const std::string sha = farm.Git(repo, {"rev-parse", "HEAD"});
  const nlohmann::json check = farm.Job(pipeline, "check");
  EXPECT_EQ(Text(check, "status"), "success");
  EXPECT_TRUE(absl::StrContains(farm.Trace(check.value("id", 0)), "made of " + sha.substr(0, 8)));
}

TEST(PipelineTest, AFailedJobFailsThePipelineAndSkipsLaterStages) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app", R"yaml(
stages: [test, deploy]
test: {stage: test, script: ["echo about to fail", "exit 7"]}
deploy: {stage: deploy, script: ["echo must not run"]}
)yaml");

  const int64_t pipeline = farm.Submit(repo);
  const CtlResult watched = farm.Ctl({"watch", absl::StrCat(pipeline)});

  EXPECT_EQ(watched.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(watched.out + watched.err, "test")) << watched.out << watched.err;
  EXPECT_TRUE(absl::StrContains(watched.out + watched.err, "exit status 7"))
      << watched.out << watched.err;
  EXPECT_EQ(Text(farm.Job(pipeline, "test"), "failure_reason"), "script_failure");
  EXPECT_EQ(Text(farm.Job(pipeline, "deploy"), "status"), "skipped");
}

TEST(PipelineTest, NeedsStartAJobBeforeItsStage) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app", R"yaml(
stages: [a, b]
slow: {stage: a, script: ["while test ! -e $DOOR; do read -t 0.05 <> <(:) || :; done"]}
quick: {stage: a, script: ["true"]}
next: {stage: b, needs: [quick], script: ["touch $DOOR"]}
)yaml");

  // `slow` ends only after `next` has run.
  const int64_t pipeline = farm.Submit(repo, {"--var", "DOOR=" + farm.dir() + "/door"});

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
}

TEST(PipelineTest, FindsTheCoverageOfTheProjectsRegexAndShowsItBesideTheCommit) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app", R"yaml(
cover: {script: ["printf 'app/x.py 10 1 90%%\nTOTAL   1943    210    688     68    87%%   \nRan 114 tests\n'"]}
)yaml");
  const CtlResult set = farm.Ctl({"project", "set", "app", "coverage-regex", R"(\d+\%\s+$)"});
  ASSERT_EQ(set.exit_code, 0) << set.err;

  const int64_t pipeline = farm.Submit(repo);
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");

  const nlohmann::json commits = farm.Ctl({"commits", "--project", "app", "-o", "json"}).json();
  ASSERT_EQ(commits["commits"].size(), 1u);
  EXPECT_EQ(commits["commits"][0]["coverage"], 87.0);
  EXPECT_EQ(commits["commits"][0]["status"], "success");
}

TEST(PipelineTest, MaskedVariablesNeverReachTheTraceOrTheDisk) {
  Farm farm;
  farm.AddAgent();
  const std::string secret = "s3cr3t-value-of-this-test";
  const std::string repo = farm.MakeRepository("app", R"yaml(
show:
  script:
    - echo "before $TOKEN after"
    - printf '%s' "${TOKEN:0:9}"; printf '%s\n' "${TOKEN:9}"
    - test "$(cat $KEY_FILE)" = "content of the file"
    - test "$(stat -c %a $KEY_FILE)" = 600
)yaml");
  ASSERT_EQ(farm.Ctl({"var", "set", "TOKEN", secret, "--masked", "--project", "app"}).exit_code, 0);
  ASSERT_EQ(
      farm.Ctl({"var", "set", "KEY_FILE", "content of the file", "--file", "--project", "app"})
          .exit_code,
      0);

  const int64_t pipeline = farm.Submit(repo);
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");

  const std::string trace = farm.Trace(farm.Job(pipeline, "show").value("id", 0));
  EXPECT_TRUE(absl::StrContains(trace, "before [MASKED] after")) << trace;
  const CtlResult grep = farm.RunProgram("/usr/bin/grep", {"-rlF", secret, farm.dir()});
  EXPECT_EQ(grep.out, "") << "the secret is on disk";
}

TEST(PipelineTest, CancelEndsTheJobAndEveryDaemonThatItStarted) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app", R"yaml(
stuck:
  script:
    - setsid sleep 1000 &
    - (setsid sh -c 'sleep 1000 & sleep 1000' &)
    - nohup sleep 1000 > /dev/null 2>&1 &
    - echo all started
    - sleep 1000
)yaml");
  const int64_t pipeline = farm.Submit(repo, {"--var", "MARK=" + farm.dir() + "/jobmark"});
  ASSERT_TRUE(farm.WaitForJob(pipeline, "stuck", "running"));
  const int64_t job = farm.Job(pipeline, "stuck").value("id", 0);
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(farm.Trace(job), "all started\n"); }));

  EXPECT_EQ(farm.Ctl({"cancel", absl::StrCat(pipeline)}).exit_code, 0);

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "canceled");
  EXPECT_TRUE(Eventually([&] { return ProcessesWithMark(farm.dir() + "/jobmark").empty(); }));
}

// The grace is 30 s: without --force these would still be there.
TEST(PipelineTest, J2_CancelByForceKillsAtOnceWhatIgnoresSigterm) {
  Farm farm;
  farm.AddAgent();
  const std::string stubborn =
      "{script: [\"trap '' TERM\", echo up, 'while :; do sleep 0.05; done'], "
      "after_script: [echo after]}";
  const std::string repo =
      farm.MakeRepository("app", absl::StrCat("one: ", stubborn, "\ntwo: ", stubborn, "\n"));
  const int64_t pipeline = farm.Submit(repo);
  for (const char* name : {"one", "two"}) {
    ASSERT_TRUE(farm.WaitForJob(pipeline, name, "running"));
    const int64_t job = farm.Job(pipeline, name).value("id", 0);
    ASSERT_TRUE(Eventually([&] { return absl::StrContains(farm.Trace(job), "up\n"); }));
  }
  const std::string one = absl::StrCat(farm.Job(pipeline, "one").value("id", 0));
  const std::string two = absl::StrCat(farm.Job(pipeline, "two").value("id", 0));

  ASSERT_EQ(farm.Ctl({"cancel-job", one}).exit_code, 0);
  const CtlResult again = farm.Ctl({"cancel-job", one});
  EXPECT_TRUE(absl::StrContains(again.err, "--force")) << again.err;
  const absl::Time asked = absl::Now();
  ASSERT_EQ(farm.Ctl({"cancel-job", "--force", one}).exit_code, 0);
  EXPECT_TRUE(farm.WaitForJob(pipeline, "one", "canceled"));
  EXPECT_LT(absl::Now() - asked, absl::Seconds(2));

  // An agent that was away when it was asked hears of it with its force.
  farm.KillAgent("agent-1");
  ASSERT_EQ(farm.Ctl({"cancel", "--force", absl::StrCat(pipeline)}).exit_code, 0);
  farm.StartAgent("agent-1");
  const absl::Time back = absl::Now();
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "canceled");
  EXPECT_LT(absl::Now() - back, absl::Seconds(2));
  EXPECT_FALSE(absl::StrContains(farm.Trace(std::stoll(one)), "after\n"));
  EXPECT_FALSE(absl::StrContains(farm.Trace(std::stoll(two)), "after\n"));
}

TEST(PipelineTest, ATimeoutFailsTheJobWithItsReason) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app", R"yaml(
slow: {timeout: 1 second, script: ["echo waiting", "sleep 1000"]}
)yaml");

  const int64_t pipeline = farm.Submit(repo);

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "failed");
  EXPECT_EQ(Text(farm.Job(pipeline, "slow"), "failure_reason"), "job_execution_timeout");
}

TEST(PipelineTest, AManualJobWaitsForAPersonAndWhySaysSo) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app", R"yaml(
stages: [build, release]
build: {stage: build, script: ["true"]}
release:
  stage: release
  script: ["echo released"]
  rules:
    - if: $CI_COMMIT_BRANCH == "main"
      when: manual
)yaml");
  const int64_t pipeline = farm.Submit(repo);
  const CtlResult watched = farm.Ctl({"watch", absl::StrCat(pipeline)});
  EXPECT_EQ(watched.exit_code, 0) << watched.err;
  const int64_t job = farm.Job(pipeline, "release").value("id", 0);
  EXPECT_EQ(Text(farm.Job(pipeline, "release"), "status"), "manual");
  EXPECT_TRUE(absl::StrContains(watched.out + watched.err, absl::StrCat("play ", job)))
      << watched.out << watched.err;
  const CtlResult why = farm.Ctl({"why", absl::StrCat(job)});
  EXPECT_TRUE(absl::StrContains(why.out, absl::StrCat("grangectl play ", job))) << why.out;

  EXPECT_EQ(farm.Ctl({"play", absl::StrCat(job)}).exit_code, 0);

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
}

TEST(PipelineTest, RetriesAsOftenAsTheFileSays) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app", R"yaml(
flaky:
  retry: 2
  script:
    - echo x >> $COUNT
    - test $(wc -l < $COUNT) -eq 3
)yaml");

  const int64_t pipeline = farm.Submit(repo, {"--var", "COUNT=" + farm.dir() + "/count"});

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
  EXPECT_EQ(farm.Job(pipeline, "flaky").value("attempt", 0), 3);
}

TEST(PipelineTest, WhyNamesTheTagThatNoAgentHas) {
  Farm farm;
  farm.AddAgent({.name = "agent-1", .slots = 1, .tags = {"docker"}, .run_untagged = true});
  const std::string repo = farm.MakeRepository("app", R"yaml(
train: {tags: [gpu], script: ["true"]}
)yaml");
  const int64_t pipeline = farm.Submit(repo);
  ASSERT_TRUE(farm.WaitForJob(pipeline, "train", "pending"));

  const CtlResult why = farm.Ctl({"why", absl::StrCat(farm.Job(pipeline, "train").value("id", 0))});

  EXPECT_TRUE(absl::StrContains(why.out, "gpu")) << why.out;
}

TEST(PipelineTest, ASecondJobFetchesOnlyWhatIsNewIntoTheAgentsMirror) {
  Farm farm;
  farm.AddAgent({.name = "agent-1", .slots = 1, .tags = {}, .run_untagged = true});
  const std::string repo =
      farm.MakeRepository("app", "job: {script: ['cat file']}\n",
                          {{"file", "one\n"}, {"big", std::string(1 << 20, 'x')}});
  EXPECT_EQ(farm.WaitForPipeline(farm.Submit(repo)), "success");
  farm.Commit(repo, {{"file", "two\n"}});

  const int64_t second = farm.Submit(repo);

  EXPECT_EQ(farm.WaitForPipeline(second), "success");
  EXPECT_TRUE(absl::StrContains(farm.Trace(farm.Job(second, "job").value("id", 0)), "two\n"));
}

TEST(PipelineTest, DirtyIncludesWhatIsNotCommittedAndLeavesTheRepositoryAlone) {
  Farm farm;
  farm.AddAgent();
  const std::string repo =
      farm.MakeRepository("app", "job: {script: ['cat new file']}\n",
                          {{"file", "committed\n"}, {".gitignore", "secret\n"}});
  ASSERT_TRUE(os::Exists(repo));
  ASSERT_TRUE(os::WriteFile(repo + "/file", "changed\n").ok());
  ASSERT_TRUE(os::WriteFile(repo + "/new", "untracked\n").ok());
  const std::string before = farm.Git(repo, {"status", "--porcelain"});

  const int64_t pipeline = farm.Submit(repo, {"--dirty"});

  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
  const std::string trace = farm.Trace(farm.Job(pipeline, "job").value("id", 0));
  EXPECT_TRUE(absl::StrContains(trace, "untracked\nchanged\n")) << trace;
  EXPECT_EQ(farm.Git(repo, {"status", "--porcelain"}), before);
  EXPECT_EQ(farm.Git(repo, {"stash", "list"}), "");
}

}  // namespace
}  // namespace grange::test
