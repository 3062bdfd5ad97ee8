// kill -9 of the coordinator at the n-th removal, sync and rename of a start with one small sweep,
// for n = 1, 2, 3, … until it gets through (faults C2). The sweep removes a pipeline with its logs
// and artifacts, a log and an artifact of pipelines that stay, entries of the audit log, and a
// commit.
#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/os/files.h"
#include "common/os/random.h"
#include "coordinator/store/checked_file.h"
#include "gtest/gtest.h"
#include "tests/support/crash_point.h"
#include "tests/support/database_damage.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

using nlohmann::json;

constexpr int kPointsMax = 400;

constexpr char kConfig[] = R"yaml(
make:
  stage: build
  script: ['echo "log of $TEXT"', 'echo "artifact of $TEXT" > out']
  artifacts: {paths: [out]}
hold:
  stage: build
  rules:
    - if: $HOLD == "1"
  script: ['echo "held by $TEXT" > out']
  artifacts: {paths: [out], expire_in: 2 days}
wait:
  stage: test
  tags: [nobody]
  rules:
    - if: $WAIT == "1"
  script: ['true']
)yaml";

class SweepCrashTest : public ::testing::Test {
 protected:
  SweepCrashTest()
      : farm_({.time_scale = 0.02,  // the first sweep 0.2 s after a start
               .coordinator_arguments = {"--keep-audit", "1 second"},
               .agent_environment = {},
               .prepare_state = {},
               .agent_arguments = {},
               .keep_logs = false}) {}

  // The state from which each start begins: `before_`.
  void SetUp() override {
    farm_.AddAgent();
    repo_ = farm_.MakeRepository("app", kConfig);
    pinned_ = Finished("pinned");
    ASSERT_EQ(farm_.Ctl({"pin", absl::StrCat(pinned_)}).exit_code, 0);
    held_ = Finished("held", {"--var", "HOLD=1"});
    Amend("gone");
    gone_commit_ = Head();
    Finished("gone before");
    Amend("kept");
    kept_commit_ = Head();
    Finished("gone one");
    Finished("gone two");
    newest_success_ = Finished("newest success");
    waiting_ = farm_.Submit(repo_, {"--var", "TEXT=waiting", "--var", "WAIT=1"});
    ASSERT_TRUE(farm_.WaitForJob(waiting_, "make", "success"));
    farm_.KillAgent("agent-1", SIGTERM);
    ASSERT_EQ(farm_.Ctl({"project", "set", "app", "keep-mirrors", "1 second"}).exit_code, 0);
    ASSERT_EQ(farm_.Ctl({"project", "set", "app", "keep-traces", "1 second"}).exit_code, 0);
    ASSERT_EQ(farm_.Ctl({"project", "set", "app", "keep-artifacts", "1 second"}).exit_code, 0);
    ASSERT_EQ(farm_.Ctl({"project", "set", "app", "keep-pipelines", "1 second"}).exit_code, 0);
    farm_.KillCoordinator(SIGTERM);
    ASSERT_FALSE(absl::StrContains(farm_.coordinator().Log(), "swept kind=pipelines"));
    // As if it had been unwanted before.
    std::string notes;
    for (const std::string& ref : Refs()) {
      if (absl::StartsWith(ref, gone_commit_)) absl::StrAppend(&notes, "1000 ", ref, "\n");
    }
    ASSERT_NE(notes, "");
    ASSERT_TRUE(os::WriteFile(Mirror() + "/grange-unwanted", notes).ok());
    before_ = farm_.dir() + "/before";
    Copy(farm_.CoordinatorState(), before_);
    // So that the first sweep finds all of them older than a second.
    const absl::Time aged = absl::Now() + absl::Seconds(1);
    Eventually([aged] { return absl::Now() > aged; });
  }
  void TearDown() override { EXPECT_EQ(farm_.StopAndFindLeftovers(), ""); }

  std::string Mirror() const { return farm_.CoordinatorState() + "/mirrors/1.git"; }
  CtlResult MirrorGit(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--git-dir", Mirror()});
    return farm_.RunProgram("/usr/bin/git", std::move(arguments));
  }
  bool HasGoneCommit() { return MirrorGit({"cat-file", "-e", gone_commit_}).exit_code == 0; }
  std::vector<std::string> Refs() {
    return absl::StrSplit(MirrorGit({"for-each-ref", "--format=%(objectname) %(refname)"}).out,
                          '\n', absl::SkipEmpty());
  }
  std::string Head() { return farm_.Git(repo_, {"rev-parse", "HEAD"}); }
  void Amend(const std::string& text) {
    ASSERT_TRUE(os::WriteFile(repo_ + "/file", text + os::RandomBytes(100'000)).ok());
    farm_.Git(repo_, {"add", "file"});
    farm_.Git(repo_, {"commit", "--quiet", "--amend", "-m", text});
  }
  int64_t Finished(const std::string& text, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--var", "TEXT=" + text});
    const int64_t pipeline = farm_.Submit(repo_, more);
    EXPECT_EQ(farm_.WaitForPipeline(pipeline), "success");
    return pipeline;
  }
  void Copy(const std::string& from, const std::string& to) {
    ASSERT_TRUE(os::RemoveTree(to).ok());
    ASSERT_EQ(farm_.RunProgram("/bin/cp", {"-a", from, to}).exit_code, 0);
  }

  // The one column of each row.
  static std::set<std::string> Query(const std::string& state, const std::string& sql) {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open_v2((state + "/grange.db").c_str(), &db, SQLITE_OPEN_READWRITE,
                              store::CheckedFileVfs()),
              SQLITE_OK);
    std::set<std::string> rows;
    const auto add = [](void* set, int, char** values, char**) {
      static_cast<std::set<std::string>*>(set)->insert(values[0] == nullptr ? "" : values[0]);
      return 0;
    };
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), add, &rows, &error), SQLITE_OK) << error;
    sqlite3_close(db);
    return rows;
  }
  // "traces/<job>-<attempt>" and "artifacts/<sha256>".
  static std::set<std::string> FilesOf(const std::string& state) {
    std::set<std::string> files;
    for (const std::string& folder : Names(state + "/traces")) {
      for (const std::string& name : Names(state + "/traces/" + folder)) {
        files.insert("traces/" + name.substr(0, name.find('.')));
      }
    }
    for (const std::string& folder : Names(state + "/artifacts")) {
      if (folder.size() != 2) continue;
      for (const std::string& name : Names(state + "/artifacts/" + folder)) {
        files.insert(absl::StrCat("artifacts/", folder, name));
      }
    }
    return files;
  }
  static std::vector<std::string> Names(const std::string& folder) {
    return os::ListDir(folder).value_or(std::vector<std::string>());
  }
  // What rows say is there. One that is half removed is as good as gone.
  static std::set<std::string> WantedBy(const std::string& state) {
    return Query(state,
                 "SELECT 'traces/' || a.job || '-' || a.attempt FROM attempts a JOIN jobs j ON "
                 "j.id = a.job WHERE a.trace_stored > 0 AND a.trace_removed_at IS NULL AND "
                 "j.pipeline NOT IN (SELECT id FROM removed_pipelines) UNION ALL "
                 "SELECT 'artifacts/' || lower(CASE typeof(f.sha256) WHEN 'blob' THEN "
                 "hex(f.sha256) ELSE f.sha256 END) FROM artifacts f JOIN jobs j ON j.id = f.job "
                 "WHERE f.removed_at IS NULL AND j.pipeline NOT IN (SELECT id FROM "
                 "removed_pipelines)");
  }
  static void ExpectNoRowWithoutItsFile(const std::string& state) {
    const std::set<std::string> files = FilesOf(state);
    const std::set<std::string> wanted = WantedBy(state);
    EXPECT_FALSE(wanted.empty());
    for (const std::string& file : wanted) EXPECT_TRUE(files.contains(file)) << file;
  }

  bool HasSwept() {
    const json usage = farm_.Ctl({"usage", "-o", "json"}, absl::Seconds(1)).json();
    return usage.is_object() && usage["last_sweep_at"].is_string();
  }

  void ExpectAllIsDone() {
    const std::string state = farm_.CoordinatorState();
    EXPECT_EQ(DatabaseDamage(state + "/grange.db"), "");
    // Nothing that must stay is gone, nothing that must go is there.
    EXPECT_EQ(Query(state, "SELECT id FROM pipelines"),
              (std::set<std::string>{absl::StrCat(pinned_), absl::StrCat(held_),
                                     absl::StrCat(newest_success_), absl::StrCat(waiting_)}));
    EXPECT_EQ(FilesOf(state), WantedBy(state));
    // Of each of the others the log and the artifact, of the one that is held what holds it.
    EXPECT_EQ(FilesOf(state).size(), 7u);
    EXPECT_EQ(MirrorGit({"fsck", "--full"}).exit_code, 0) << MirrorGit({"fsck", "--full"}).err;
    EXPECT_EQ(MirrorGit({"cat-file", "-e", kept_commit_}).exit_code, 0);
    for (const std::string& name : Names(Mirror())) {
      EXPECT_FALSE(absl::EndsWith(name, ".lock") || absl::StartsWith(name, "grange-")) << name;
    }
  }

  void EveryPoint(const std::string& call) {
    const std::string state = farm_.CoordinatorState(), killed = farm_.dir() + "/killed";
    int point = 1, in_sweep = 0;
    for (bool died = true; died; ++point) {
      SCOPED_TRACE(absl::StrCat(call, " number ", point));
      ASSERT_LE(point, kPointsMax) << "it dies again and again";
      Copy(before_, state);
      farm_.LaunchCoordinator(CrashPointPrefix("grange-coordinator", call, point));
      const bool started = farm_.WaitForCoordinator();
      Eventually([&] { return !farm_.coordinator().Running() || HasSwept(); });
      died = !farm_.coordinator().Running();
      in_sweep += started && died ? 1 : 0;
      farm_.KillCoordinator();
      Copy(state, killed);  // reading mends a database
      ExpectNoRowWithoutItsFile(killed);
      ASSERT_TRUE(os::RemoveTree(killed).ok());  // half of a file with a token may be in it

      farm_.StartCoordinator();
      EXPECT_TRUE(Eventually([&] { return HasSwept(); }));
      // A kill may have taken back since when nobody wants a commit: then it goes a second later.
      EXPECT_TRUE(Eventually([&] { return !HasGoneCommit(); }));
      farm_.KillCoordinator(SIGTERM);
      ExpectAllIsDone();
      if (HasFailure()) return;
    }
    EXPECT_GT(in_sweep, 2) << "no such call in a sweep";
    std::printf("killed at each of %d calls of %s, %d of them in the sweep\n", point - 2,
                call.c_str(), in_sweep);
    farm_.StartCoordinator();
  }

  Farm farm_;
  std::string repo_, before_, gone_commit_, kept_commit_;
  int64_t pinned_ = 0, held_ = 0, newest_success_ = 0, waiting_ = 0;
};

TEST_F(SweepCrashTest, C2_EveryRemovalOfASweep) { EveryPoint("unlink"); }
TEST_F(SweepCrashTest, C2_EverySyncOfASweep) { EveryPoint("fdatasync"); }
TEST_F(SweepCrashTest, C2_EveryRenameOfASweep) { EveryPoint("rename"); }

}  // namespace
}  // namespace grange::test
