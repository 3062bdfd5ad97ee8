// Jobs that print more than is kept.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

using ::testing::HasSubstr;

// Resident memory of a process that is not of files.
int64_t ResidentMiB(pid_t pid) {
  const std::string status = os::ReadFile(absl::StrCat("/proc/", pid, "/status")).value_or("");
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    int64_t kib = 0;
    if (!absl::ConsumePrefix(&line, "RssAnon:") || !absl::ConsumeSuffix(&line, "kB")) continue;
    if (absl::SimpleAtoi(line, &kib)) return kib >> 10;
  }
  return -1;
}

TEST(TraceLimitTest, J5_WhatIsBeyondTheLimitIsDroppedCountedAndSaid) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app",
                                               "variables: {GIT_STRATEGY: none}\n"
                                               "job: {script: ['head -c 300000 /dev/zero']}\n");
  ASSERT_EQ(farm.Ctl({"submit", repo, "--project", "app"}).exit_code, 0);
  const CtlResult set = farm.Ctl({"project", "set", "app", "trace-limit", "100KiB"});
  ASSERT_EQ(set.exit_code, 0) << set.err;
  const int64_t pipeline = farm.Submit(repo, {"--project", "app"});
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
  const int64_t id = farm.Job(pipeline, "job")["id"];
  const uint64_t dropped = 300'000 + std::string("$ head -c 300000 /dev/zero\n").size() - 102'400;
  const std::string text = absl::StrCat(dropped);

  const CtlResult log = farm.Ctl({"logs", absl::StrCat(id)});
  EXPECT_EQ(log.out.size(), 102'400u);
  EXPECT_THAT(log.err, HasSubstr(text + " more bytes were dropped"));
  EXPECT_THAT(farm.Ctl({"job", absl::StrCat(id)}).out, HasSubstr(text));
}

TEST(TraceLimitTest, J5_AJobOverTheLimitFailsIfItsProjectSaysSo) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository("app", "job: {script: ['true']}\n");
  EXPECT_EQ(farm.WaitForPipeline(farm.Submit(repo, {"--project", "app"})), "success");
  const CtlResult wrong = farm.Ctl({"project", "set", "app", "trace-limit-policy", "stop"});
  EXPECT_THAT(wrong.err, HasSubstr("'drop'"));
  for (const auto& [key, value] :
       {std::pair("trace-limit", "1MiB"), std::pair("trace-limit-policy", "fail")}) {
    ASSERT_EQ(farm.Ctl({"project", "set", "app", key, value}).exit_code, 0) << key;
  }
  farm.Commit(repo, {{".gitlab-ci.yml", "job: {script: ['yes']}\n"}});
  const int64_t pipeline = farm.Submit(repo, {"--project", "app"});
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "failed");
  const nlohmann::json job = farm.Job(pipeline, "job");
  EXPECT_EQ(Text(job, "failure_reason"), "trace_limit") << job;
  EXPECT_THAT(Text(job, "detail"), HasSubstr("1048576 bytes"));
  EXPECT_EQ(job.value("trace_bytes", 0), 1 << 20);
}

// A gigabyte in the long form; most of it is counted and thrown away.
TEST(TraceLimitTest, J5_AFloodCostsNeitherMemoryNorTheOthers) {
  constexpr int kFloodMiB = 1000;
  constexpr int64_t kGrowthMaxMiB = 32;
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository(
      "app", absl::StrCat("variables: {GIT_STRATEGY: none}\n", "floods: {script: ['head -c ",
                          kFloodMiB, "M /dev/zero']}\n",
                          "prints: {script: ['for i in $(seq 1 50); do echo line $i; sleep 0.02; "
                          "done']}\n"));
  const auto agent = [&] { return ResidentMiB(farm.agent("agent-1").pid()); };
  const auto coordinator = [&] { return ResidentMiB(farm.coordinator().pid()); };
  // Once, so that what is allocated for good is there.
  const std::string small =
      farm.MakeRepository("small", "job: {script: ['head -c 20M /dev/zero']}\n");
  ASSERT_EQ(farm.WaitForPipeline(farm.Submit(small)), "success");
  const int64_t agent_before = agent(), coordinator_before = coordinator();
  ASSERT_GT(agent_before, 0);
  ASSERT_GT(coordinator_before, 0);

  const int64_t pipeline = farm.Submit(repo);
  int64_t agent_most = 0, coordinator_most = 0;
  EXPECT_TRUE(Eventually([&] {
    agent_most = std::max(agent_most, agent());
    coordinator_most = std::max(coordinator_most, coordinator());
    return Text(farm.Job(pipeline, "floods"), "status") == "success";
  }));
  if (kMemoryCounts) {
    EXPECT_LE(agent_most - agent_before, kGrowthMaxMiB);
    EXPECT_LE(coordinator_most - coordinator_before, kGrowthMaxMiB);
  }
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
  const nlohmann::json floods = farm.Job(pipeline, "floods"), prints = farm.Job(pipeline, "prints");
  EXPECT_EQ(floods.value("trace_bytes", 0), 100 << 20);
  EXPECT_GT(floods.value("dropped_bytes", int64_t{0}), int64_t{850} << 20);
  EXPECT_LT(prints.value("duration", 0.0), 6.0) << "it takes 1.1 s alone";
  RecordProperty("agent_growth_mib", absl::StrCat(agent_most - agent_before));
  RecordProperty("coordinator_growth_mib", absl::StrCat(coordinator_most - coordinator_before));
}

TEST(JobUseTest, SaysWhatAJobHasUsedAndWhichSignalEndedIt) {
  Farm farm;
  farm.AddAgent();
  const std::string repo =
      farm.MakeRepository("app", "job: {script: ['head -c 20M /dev/zero | sort', 'kill -9 $$']}\n");
  const int64_t pipeline = farm.Submit(repo);
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "failed");
  const nlohmann::json job = farm.Job(pipeline, "job");
  EXPECT_EQ(Text(job, "failure_reason"), "script_failure");
  EXPECT_EQ(Text(job, "detail"), "killed by signal 9 (SIGKILL)");
  EXPECT_GT(job.value("max_rss_bytes", int64_t{0}), int64_t{1} << 20);
  const std::string shown = farm.Ctl({"job", absl::StrCat(job.value("id", 0))}).out;
  EXPECT_THAT(shown, HasSubstr("s of processor time"));
  EXPECT_THAT(shown, HasSubstr("killed by signal 9 (SIGKILL)"));
}

}  // namespace
}  // namespace grange::test
