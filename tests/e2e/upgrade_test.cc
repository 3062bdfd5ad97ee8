// New programs under running jobs, as an operator installs them: stop, replace, start.
#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

// Prints its number's lines, waits for the door, prints the rest.
constexpr char kConfig[] =
    "job:\n"
    "  script:\n"
    "    - echo started >> $STARTS\n"
    "    - echo before\n"
    "    - while [ ! -e $DOOR ]; do sleep 0.02; done\n"
    "    - echo after\n";

class UpgradeTest : public ::testing::Test {
 protected:
  UpgradeTest() { Install(); }

  // Other files under the same names, as a package manager puts them.
  void Install() {
    ASSERT_TRUE(os::MakeDirs(Folder()).ok());
    for (const char* name : {"grange-agent", "grange-shim", "grange-coordinator"}) {
      const std::string path = absl::StrCat(Folder(), "/", name);
      ASSERT_EQ(farm_.RunProgram("/bin/cp", {Farm::Bin(name), path + ".new"}).exit_code, 0);
      ASSERT_EQ(rename((path + ".new").c_str(), path.c_str()), 0);
    }
  }
  std::string Folder() const { return farm_.dir() + "/installed"; }

  // Put before a command line: the same program, but of the folder.
  std::vector<std::string> FromFolder(const std::string& name) const {
    return {"/bin/bash", "-c", absl::StrCat("shift; exec ", Folder(), "/", name, " \"$@\""), name};
  }
  // Whether the process runs what is installed now.
  bool RunsWhatIsInstalled(pid_t pid, const std::string& name) const {
    struct stat running {
    }, installed{};
    return stat(absl::StrCat("/proc/", pid, "/exe").c_str(), &running) == 0 &&
           stat(absl::StrCat(Folder(), "/", name).c_str(), &installed) == 0 &&
           running.st_ino == installed.st_ino;
  }

  std::string starts() const { return farm_.dir() + "/starts"; }
  int64_t SubmitAndWaitUntilItRuns() {
    const std::string repo = farm_.MakeRepository("app", kConfig);
    const int64_t pipeline = farm_.Submit(
        repo, {"--var", "DOOR=" + farm_.dir() + "/door", "--var", "STARTS=" + starts()});
    EXPECT_TRUE(farm_.WaitForJob(pipeline, "job", "running"));
    EXPECT_TRUE(Eventually([&] { return os::Exists(starts()); }));
    return pipeline;
  }
  void ExpectUntouched(int64_t pipeline) {
    ASSERT_TRUE(os::WriteFile(farm_.dir() + "/door", "").ok());
    EXPECT_EQ(farm_.WaitForPipeline(pipeline), "success");
    const nlohmann::json job = farm_.Job(pipeline, "job");
    EXPECT_EQ(job["attempt"], 1);
    EXPECT_EQ(os::ReadFile(starts()).value_or(""), "started\n");
    const std::string trace = farm_.Trace(job.value("id", int64_t{0}));
    EXPECT_TRUE(absl::StrContains(trace, "\nbefore\n")) << trace;
    EXPECT_TRUE(absl::StrContains(trace, "\nafter\n")) << trace;
  }

  Farm farm_;
};

TEST_F(UpgradeTest, ANewAgentTakesOverTheJobsOfTheOldOne) {
  farm_.AddAgent();
  farm_.KillAgent("agent-1", SIGTERM);
  farm_.StartAgent("agent-1", FromFolder("grange-agent"));
  const int64_t pipeline = SubmitAndWaitUntilItRuns();

  farm_.KillAgent("agent-1", SIGTERM);
  Install();
  farm_.StartAgent("agent-1", FromFolder("grange-agent"));

  EXPECT_TRUE(RunsWhatIsInstalled(farm_.agent("agent-1").pid(), "grange-agent"));
  EXPECT_TRUE(farm_.WaitForJob(pipeline, "job", "running"));
  ExpectUntouched(pipeline);
}

TEST_F(UpgradeTest, C3_ANewCoordinatorGoesOnWithTheJobsOfTheOldOne) {
  farm_.KillCoordinator(SIGTERM);
  farm_.StartCoordinator(FromFolder("grange-coordinator"));
  farm_.AddAgent();
  const int64_t pipeline = SubmitAndWaitUntilItRuns();

  farm_.KillCoordinator(SIGTERM);
  Install();
  farm_.StartCoordinator(FromFolder("grange-coordinator"));

  EXPECT_TRUE(RunsWhatIsInstalled(farm_.coordinator().pid(), "grange-coordinator"));
  EXPECT_TRUE(farm_.WaitForJob(pipeline, "job", "running"));
  ExpectUntouched(pipeline);
}

// A package manager may also replace the programs while they run, and restart them later.
TEST_F(UpgradeTest, ReplacedUnderARunningAgentJobsStartWithTheNewShim) {
  farm_.AddAgent();
  farm_.KillAgent("agent-1", SIGTERM);
  farm_.StartAgent("agent-1", FromFolder("grange-agent"));

  Install();

  ExpectUntouched(SubmitAndWaitUntilItRuns());
}

}  // namespace
}  // namespace grange::test
