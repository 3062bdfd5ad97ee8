// kill -9 at the n-th write, sync and rename, for n = 1, 2, 3, … until a short pipeline gets
// through: at the coordinator (faults C2) and at the agent (A2).
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/crash_point.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

using nlohmann::json;

constexpr char kAgent[] = "agent-1";
// Far more than there are; it must get through before.
constexpr int kPointsMax = 400;
// grangectl waits for a coordinator that dies; nobody starts that one before it has answered.
constexpr absl::Duration kAnswerMax = absl::Seconds(1);

// Two jobs with a file between them. Each leaves a mark for its start, in a file that must not be
// there yet: a second start of one attempt fails.
constexpr char kConfig[] = R"yaml(
default:
  retry: {max: 2, when: runner_system_failure}
  before_script:
    - set -C; echo > "$STARTS/${GRANGE_JOB_FOLDER##*/}"; set +C
make:
  stage: build
  script: ['echo "made for $TEXT" > out', 'echo done; cat out']
  artifacts: {paths: [out]}
use:
  stage: test
  script: ['cat out']
)yaml";

// The program that is killed.
struct Victim {
  std::string program;
  // Waits until it is ready; false if it has died before.
  std::function<bool(const std::vector<std::string>& prefix)> start;
  std::function<bool()> running;
  std::function<void()> kill;  // also if it is dead
};

class CrashPointsTest : public ::testing::Test {
 protected:
  CrashPointsTest()
      : farm_({.time_scale = 0.2,
               .coordinator_arguments = {},
               .agent_environment = {},
               .prepare_state = {},
               .agent_arguments = {"--reconnect-max", "0.2"},
               .keep_logs = false}) {}

  void SetUp() override {
    starts_ = farm_.dir() + "/starts";
    ASSERT_TRUE(os::MakeDirs(starts_).ok());
    farm_.AddAgent();
    repo_ = farm_.MakeRepository("app", kConfig);
    // The mirror is there and each program has been through it once.
    ExpectWhole(0, Submit(0));
  }

  void TearDown() override { EXPECT_EQ(farm_.StopAndFindLeftovers(), ""); }

  // A submit of the pipeline for this point; it waits for the coordinator if that one dies.
  std::unique_ptr<Program> StartSubmit(int point) {
    return farm_.StartCtl(
        absl::StrCat("submit-", ++submits_),
        {"submit", repo_, "--request-key", absl::StrFormat("%s%016d", key_prefix_, point), "--var",
         "STARTS=" + starts_, "--var", absl::StrCat("TEXT=", point)});
  }
  // 0 while it has not ended, or if it has failed.
  static int64_t PipelineOf(Program& submit) {
    if (submit.Running()) return 0;
    int64_t pipeline = 0;  // beside warnings, such as that a retry may overlap
    const std::string log = submit.Log();
    for (const absl::string_view line : absl::StrSplit(log, '\n')) {
      if (absl::SimpleAtoi(line, &pipeline)) return pipeline;
    }
    return 0;
  }
  int64_t Submit(int point) {
    const std::unique_ptr<Program> submit = StartSubmit(point);
    Eventually([&] { return !submit->Running(); });
    return PipelineOf(*submit);
  }

  bool HasEnded(int64_t pipeline) {
    const json jobs = farm_.Ctl({"jobs", absl::StrCat(pipeline), "-o", "json"}, kAnswerMax).json();
    if (!jobs.is_object()) return false;
    for (const json& job : jobs.value("jobs", json::array())) {
      const std::string status = Text(job, "status");
      if (status != "success" && status != "failed" && status != "skipped") return false;
    }
    return true;
  }

  void ExpectWhole(int point, int64_t pipeline) {
    EXPECT_EQ(farm_.WaitForPipeline(pipeline), "success");
    const std::string made = absl::StrCat("made for ", point, "\n");
    ExpectJob(farm_.Job(pipeline, "make"), absl::StrCat("$ echo done; cat out\ndone\n", made));
    ExpectJob(farm_.Job(pipeline, "use"), absl::StrCat("$ cat out\n", made));
  }

  void ExpectJob(const json& job, const std::string& output) {
    ASSERT_TRUE(job.is_object());
    const std::string id = absl::StrCat(job.value("id", 0));
    const json attempts = farm_.Ctl({"job", id, "-o", "json"}).json()["attempts"];
    EXPECT_TRUE(attempts.size() == 1 || may_crash_) << attempts.dump();
    for (const json& attempt : attempts) {
      const std::string mark = absl::StrCat(starts_, "/", id, "-", attempt.value("number", 0));
      if (Text(attempt, "status") == "success") {
        EXPECT_TRUE(os::Exists(mark)) << attempt.dump();
        continue;
      }
      // The agent had written down that it would start it, and never did.
      EXPECT_EQ(Text(attempt, "failure_reason"), "agent_crash") << attempt.dump();
      EXPECT_FALSE(os::Exists(mark)) << attempt.dump();
      ++crashes_;
    }
    const std::string trace = farm_.Trace(job.value("id", 0));
    EXPECT_TRUE(absl::StrContains(trace, output)) << trace;
  }

  // For each n: the program is started so that it dies at its n-th call, at once or while the
  // pipeline runs, and then without. Ends when it dies no more.
  void EveryPoint(const std::string& call, const Victim& victim) {
    key_prefix_ = absl::StrFormat("%016x", std::hash<std::string>()(call) >> 4);
    int point = 1;
    for (bool died = true; died; ++point) {
      SCOPED_TRACE(absl::StrCat(call, " number ", point));
      ASSERT_LE(point, kPointsMax) << "it dies again and again";
      victim.kill();
      victim.start(CrashPointPrefix(victim.program, call, point));
      const std::unique_ptr<Program> submit = victim.running() ? StartSubmit(point) : nullptr;
      Eventually([&] {
        const int64_t pipeline = submit == nullptr ? 0 : PipelineOf(*submit);
        return !victim.running() || (pipeline != 0 && HasEnded(pipeline));
      });
      died = !victim.running();
      victim.kill();
      ASSERT_TRUE(victim.start({}));
      // The same request again makes no second pipeline.
      ExpectWhole(point, Submit(point));
      if (HasFailure()) return;
    }
    EXPECT_GT(point, 2) << "there is no such call";
    std::printf("killed at each of %d calls of %s; %d attempts ended before their start\n",
                point - 2, call.c_str(), crashes_);
  }

  void EveryPointOfTheCoordinator(const std::string& call) {
    EveryPoint(call, {.program = "grange-coordinator",
                      .start =
                          [this](const std::vector<std::string>& prefix) {
                            farm_.LaunchCoordinator(prefix);
                            return farm_.WaitForCoordinator();
                          },
                      .running = [this] { return farm_.coordinator().Running(); },
                      .kill = [this] { farm_.KillCoordinator(); }});
  }

  void EveryPointOfTheAgent(const std::string& call) {
    may_crash_ = true;
    EveryPoint(call, {.program = "grange-agent",
                      .start =
                          [this](const std::vector<std::string>& prefix) {
                            farm_.LaunchAgent(kAgent, prefix);
                            return farm_.WaitForAgent(kAgent);
                          },
                      .running = [this] { return farm_.agent(kAgent).Running(); },
                      .kill = [this] { farm_.KillAgent(kAgent); }});
  }

  Farm farm_;
  std::string repo_, starts_;
  std::string key_prefix_ = std::string(16, '0');
  bool may_crash_ = false;
  int crashes_ = 0;
  int submits_ = 0;
};

TEST_F(CrashPointsTest, C2_EveryWriteOfTheCoordinator) { EveryPointOfTheCoordinator("pwrite"); }
TEST_F(CrashPointsTest, C2_EverySyncOfTheCoordinator) { EveryPointOfTheCoordinator("fdatasync"); }
TEST_F(CrashPointsTest, C2_EveryRenameOfTheCoordinator) { EveryPointOfTheCoordinator("rename"); }

TEST_F(CrashPointsTest, A2_EveryWriteOfTheAgent) { EveryPointOfTheAgent("write"); }
TEST_F(CrashPointsTest, A2_EverySyncOfTheAgent) { EveryPointOfTheAgent("fdatasync"); }
TEST_F(CrashPointsTest, A2_EveryRenameOfTheAgent) { EveryPointOfTheAgent("rename"); }
TEST_F(CrashPointsTest, A2_BeforeAndAfterEveryStartOfAProcess) { EveryPointOfTheAgent("spawn"); }

}  // namespace
}  // namespace grange::test
