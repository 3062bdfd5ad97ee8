// Backups of a running farm, and the way back.
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

// A job that goes on until the file $DOOR is there.
constexpr char kConfig[] =
    "build: {script: ['echo built > out'], artifacts: {paths: [out]}, stage: build}\n"
    "test: {script: ['cat out', 'while test ! -e $DOOR; do read -t 0.05 <> <(:) || :; done']}\n";

void Overwrite(const std::string& path, off_t offset, const std::string& bytes) {
  const os::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(fd.is_open());
  ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), offset),
            static_cast<ssize_t>(bytes.size()));
}

class BackupTest : public ::testing::Test {
 protected:
  std::string Create() {
    const CtlResult made = farm_.Ctl({"backup", "create"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return std::string(absl::StripAsciiWhitespace(made.out));
  }
  CtlResult Restore(const std::string& folder, const std::string& state) {
    return farm_.RunProgram("grangectl", {"backup", "restore", folder, "--state", state});
  }

  Farm farm_;
};

TEST_F(BackupTest, C8_ADamagedDatabaseIsRefusedWithTheCommandThatBringsBackTheNewestBackup) {
  farm_.AddAgent();
  const std::string repo = farm_.MakeRepository("app", kConfig);
  const std::string door = farm_.dir() + "/door";
  const int64_t pipeline = farm_.Submit(repo, {"--var", "DOOR=" + door});
  ASSERT_TRUE(farm_.WaitForJob(pipeline, "test", "running"));
  const std::string folder = Create();
  const CtlResult verified = farm_.RunProgram("grangectl", {"backup", "verify", folder});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  EXPECT_TRUE(absl::StartsWith(verified.out, "good: everything of ")) << verified.out;

  farm_.KillCoordinator(15);
  Overwrite(farm_.CoordinatorState() + "/grange.db", 4096, std::string(8192, 'x'));
  const CtlResult start = farm_.RunProgram(
      "grange-coordinator", {"--state", farm_.CoordinatorState(), "--listen", "127.0.0.1:0"});
  EXPECT_EQ(start.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(start.err, absl::StrCat("grangectl backup restore ", folder,
                                                        " --state ", farm_.CoordinatorState())))
      << start.err;

  const CtlResult restored = Restore(folder, farm_.CoordinatorState());
  ASSERT_EQ(restored.exit_code, 0) << restored.err;
  farm_.StartCoordinator();
  // The job that ran when the backup was made still runs, and its end arrives.
  ASSERT_TRUE(os::WriteFile(door, "").ok());
  EXPECT_EQ(farm_.WaitForPipeline(pipeline), "success");
  EXPECT_TRUE(absl::StrContains(
      farm_.Trace(farm_.Job(pipeline, "test").value("id", int64_t{0})), "built"));
}

TEST_F(BackupTest, AJobThatTheBackupDoesNotKnowIsStoppedByItsAgent) {
  farm_.AddAgent();
  const std::string repo = farm_.MakeRepository("app", "job: {script: ['exec -a unknown-to-the-backup sleep 1000']}\n");
  const std::string folder = Create();
  const int64_t pipeline = farm_.Submit(repo);
  ASSERT_TRUE(farm_.WaitForJob(pipeline, "job", "running"));
  ASSERT_TRUE(Eventually([&] { return !ProcessesWithMark("unknown-to-the-backup").empty(); }));
  farm_.KillCoordinator(9);
  ASSERT_EQ(Restore(folder, farm_.CoordinatorState()).exit_code, 0);
  farm_.StartCoordinator();

  EXPECT_TRUE(Eventually([&] { return ProcessesWithMark("unknown-to-the-backup").empty(); }));

  // Its number is given anew, to a job that has nothing to do with it.
  farm_.Commit(repo, {{".gitlab-ci.yml", "job: {script: ['echo second']}\n"}});
  const int64_t second = farm_.Submit(repo);
  EXPECT_EQ(second, pipeline);
  EXPECT_EQ(farm_.WaitForPipeline(second), "success");
  EXPECT_TRUE(absl::StrContains(
      farm_.Trace(farm_.Job(second, "job").value("id", int64_t{0})), "second"));
}

TEST_F(BackupTest, ADamagedBackupIsRefused) {
  const std::string folder = Create();
  Overwrite(folder + "/grange.db", 100, "x");
  const CtlResult verified = farm_.RunProgram("grangectl", {"backup", "verify", folder});
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(verified.err, "grange.db")) << verified.err;
  EXPECT_EQ(Restore(folder, farm_.dir() + "/elsewhere").exit_code, 1);
  EXPECT_FALSE(os::Exists(farm_.dir() + "/elsewhere/grange.db"));
}

TEST_F(BackupTest, ARunningCoordinatorIsNotReplaced) {
  const CtlResult restored = Restore(Create(), farm_.CoordinatorState());
  EXPECT_EQ(restored.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(restored.err, "stop the coordinator first")) << restored.err;
}

TEST_F(BackupTest, ACoordinatorDoesNotStartInTheMiddleOfARestore) {
  farm_.KillCoordinator(15);
  ASSERT_TRUE(
      os::WriteFile(farm_.CoordinatorState() + "/restore-in-progress", "/backups/b\n").ok());
  const CtlResult start = farm_.RunProgram(
      "grange-coordinator", {"--state", farm_.CoordinatorState(), "--listen", "127.0.0.1:0"});
  EXPECT_EQ(start.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(start.err, "grangectl backup restore /backups/b --state"))
      << start.err;
}

TEST_F(BackupTest, NamesThatLeaveTheFolderAreRefused) {
  for (const char* name : {"../x", "a/b", ".hidden", "hourly-1", "x.part"}) {
    const CtlResult made = farm_.Ctl({"backup", "create", name});
    EXPECT_EQ(made.exit_code, 1) << name;
    EXPECT_TRUE(absl::StrContains(made.err, "can't name a backup")) << made.err;
  }
  EXPECT_EQ(farm_.Ctl({"backup", "create", "before-upgrade"}).exit_code, 0);
  EXPECT_EQ(farm_.Ctl({"backup", "create", "before-upgrade"}).exit_code, 1);
}

}  // namespace
}  // namespace grange::test
