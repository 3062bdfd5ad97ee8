// Bad input gets one clear error and loses nothing.
#include <sys/socket.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/database_change.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

constexpr char kMakeNewer[] = "UPDATE schema SET version = 9999";

struct BadConfig {
  const char* name;
  const char* text;
  const char* wanted;  // part of the error
  const char* place;   // "line:column" or "line"
};

class BadConfigTest : public ::testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigTest, IsRefusedWithItsPlaceAndTheFarmGoesOn) {
  Farm farm;
  const std::string repo = farm.MakeRepository("app", GetParam().text);

  const CtlResult submitted = farm.Ctl({"submit", repo});

  EXPECT_EQ(submitted.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(submitted.err, absl::StrCat(".gitlab-ci.yml:", GetParam().place)))
      << submitted.err;
  EXPECT_TRUE(absl::StrContains(submitted.err, GetParam().wanted)) << submitted.err;
  EXPECT_EQ(farm.Ctl({"pipelines"}).exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadConfigTest,
    ::testing::Values(
        BadConfig{"NotYaml", "job: [unclosed\nother: {\n", "", "2"},
        BadConfig{"UnknownStage", "stages: [build]\njob:\n  stage: biuld\n  script: ['true']\n",
                  "build", "3"},
        BadConfig{"NoScript", "job:\n  stage: test\n", "script", "1"},
        BadConfig{"UnknownNeed",
                  "build: {script: ['true']}\njob:\n  needs: [biuld]\n  script: ['true']\n",
                  "did you mean 'build'", "3"},
        BadConfig{"CyclicNeeds",
                  "a: {script: ['true'], needs: [b]}\nb: {script: ['true'], needs: [a]}\n",
                  "a -> b -> a", "2"},
        BadConfig{"BadRegex", "job:\n  script: ['true']\n  coverage: '/(/'\n", "(", "3"},
        BadConfig{"NotRunnableYet", "job:\n  script: ['true']\n  services: [redis]\n",
                  "can't be run yet", "3"}),
    [](const ::testing::TestParamInfo<BadConfig>& test) { return std::string(test.param.name); });

TEST(BadInputTest, AFileOf50MegabytesIsRefusedBySize) {
  Farm farm;
  const std::string repo = farm.MakeRepository("app", "# " + std::string(50 << 20, 'x') + "\n");
  const CtlResult submitted = farm.Ctl({"submit", repo});
  EXPECT_EQ(submitted.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(submitted.err, "larger")) << submitted.err;
}

TEST(BadInputTest, ADirectoryThatIsNoRepositoryIsRefused) {
  Farm farm;
  ASSERT_TRUE(os::MakeDirs(farm.dir() + "/plain").ok());
  const CtlResult submitted = farm.Ctl({"submit", farm.dir() + "/plain"});
  EXPECT_EQ(submitted.exit_code, 1) << submitted.err;
  EXPECT_TRUE(absl::StrContains(submitted.err, "repository")) << submitted.err;
}

TEST(BadInputTest, ARefThatDoesNotExistIsRefused) {
  Farm farm;
  const std::string repo = farm.MakeRepository("app", "job: {script: ['true']}\n");
  const CtlResult submitted = farm.Ctl({"submit", repo, "--ref", "nothing-like-this"});
  EXPECT_EQ(submitted.exit_code, 1) << submitted.err;
  EXPECT_TRUE(absl::StrContains(submitted.err, "nothing-like-this")) << submitted.err;
}

TEST(BadInputTest, AnUnreachableCoordinatorIsExitCode3) {
  Farm farm;
  farm.KillCoordinator();
  const CtlResult listed = farm.Ctl({"pipelines"});
  EXPECT_EQ(listed.exit_code, 3) << listed.err;
  EXPECT_TRUE(absl::StrContains(listed.err, farm.address())) << listed.err;
}

TEST(BadInputTest, AnUnknownSubcommandIsExitCode2) {
  Farm farm;
  EXPECT_EQ(farm.Ctl({"pipelins"}).exit_code, 2);
}

TEST(BadInputTest, ASecondCoordinatorOnTheSameStateIsRefused) {
  Farm farm;
  const CtlResult second = farm.RunProgram(
      "grange-coordinator", {"--state", farm.CoordinatorState(), "--listen", "127.0.0.1:0"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(second.err, "used by another process")) << second.err;
}

TEST(BadInputTest, APortInUseIsRefused) {
  Farm farm;
  const CtlResult second = farm.RunProgram(
      "grange-coordinator", {"--state", farm.dir() + "/other", "--listen", farm.address()});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(second.err, "in use")) << second.err;
}

TEST(BadInputTest, ASecondAgentOnTheSameStateIsRefused) {
  Farm farm;
  farm.AddAgent();
  const CtlResult second =
      farm.RunProgram("grange-agent", {"run", "--state", farm.AgentState("agent-1")});
  EXPECT_NE(second.exit_code, 0);
  EXPECT_TRUE(absl::StrContains(second.err, "used by another process")) << second.err;
}

TEST(BadInputTest, ADatabaseOfANewerVersionIsRefusedAndLeftAlone) {
  Farm farm;
  farm.KillCoordinator(15);
  ASSERT_EQ(ChangeDatabase(farm.CoordinatorState() + "/grange.db", kMakeNewer), "");
  const CtlResult start = farm.RunProgram(
      "grange-coordinator", {"--state", farm.CoordinatorState(), "--listen", "127.0.0.1:0"});
  EXPECT_EQ(start.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(start.err, "9999")) << start.err;
}

TEST(BadInputTest, ASecondInterruptEndsTheWatchAtOnceAndThePipelineGoesOn) {
  Farm farm;
  farm.AddAgent();
  const std::string repo = farm.MakeRepository(
      "app", "job: {script: ['while test ! -e $DOOR; do read -t 0.05 <> <(:) || :; done']}\n");
  const int64_t pipeline = farm.Submit(repo, {"--var", "DOOR=" + farm.dir() + "/door"});
  ASSERT_TRUE(farm.WaitForJob(pipeline, "job", "running"));
  const std::unique_ptr<Program> watch =
      farm.StartCtl("watch.log", {"watch", absl::StrCat(pipeline)});
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(watch->Log(), "job"); }));

  watch->Kill(2);
  watch->Kill(2);
  watch->Wait();

  EXPECT_TRUE(absl::StrContains(watch->Log(), absl::StrCat("cancel ", pipeline))) << watch->Log();
  ASSERT_TRUE(os::WriteFile(farm.dir() + "/door", "").ok());
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
}

}  // namespace
}  // namespace grange::test
