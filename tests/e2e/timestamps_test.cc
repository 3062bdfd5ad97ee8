// The times of a log's lines are those of their printing, whatever happens to who carries them.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

constexpr size_t kStampBytes = 13;  // "12:04:10.123 "

// The log without what --timestamps puts in.
std::string WithoutTimes(absl::string_view stamped) {
  std::string log;
  while (!stamped.empty()) {
    const size_t end = std::min(stamped.find('\n'), stamped.size() - 1) + 1;
    EXPECT_GE(end, kStampBytes) << stamped.substr(0, end);
    absl::StrAppend(&log, stamped.substr(0, end).substr(std::min(kStampBytes, end)));
    stamped.remove_prefix(end);
  }
  return log;
}

// Of the lines "printed UNIX_MS": how much later their times say that they were printed, at the
// worst; and how much earlier.
struct Errors {
  absl::Duration late, early;
  int lines = 0;
};
Errors ErrorsOf(const std::string& stamped) {
  Errors worst;
  for (const absl::string_view line : absl::StrSplit(stamped, '\n')) {
    const size_t at = line.find(" printed ");
    int64_t printed_ms = 0;
    if (at != kStampBytes - 1 || !absl::SimpleAtoi(line.substr(at + 9), &printed_ms)) continue;
    const absl::Time printed = absl::FromUnixMillis(printed_ms);
    const std::string day = absl::FormatTime("%Y-%m-%d ", printed, absl::LocalTimeZone());
    absl::Time shown;
    std::string error;
    EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M:%E3S", day + std::string(line.substr(0, at)),
                                absl::LocalTimeZone(), &shown, &error))
        << line << ": " << error;
    absl::Duration late = shown - printed;  // around midnight the day may be the other one
    if (late < -absl::Hours(12)) late += absl::Hours(24);
    if (late > absl::Hours(12)) late -= absl::Hours(24);
    worst.late = std::max(worst.late, late);
    worst.early = std::max(worst.early, -late);
    ++worst.lines;
  }
  return worst;
}

class TimestampsTest : public ::testing::Test {
 protected:
  static Farm::Options Options() {
    Farm::Options options;
    options.agent_arguments = {"--reconnect-max", "0.1"};
    return options;
  }
  // A job that prints the time ten times a second until it is told to stop.
  void StartJob() {
    farm_.AddAgent();
    const std::string dir = farm_.dir();
    const std::string repository = farm_.MakeRepository(
        "app", absl::StrCat("job:\n  script:\n    - i=0; while [ ! -e ", dir,
                            "/stop ]; do echo printed $(date +%s%3N); i=$((i+1)); echo $i > ", dir,
                            "/lines; sleep 0.1; done\n  after_script:\n    - echo the end\n"));
    pipeline_ = farm_.Submit(repository);
    ASSERT_TRUE(farm_.WaitForJob(pipeline_, "job", "running"));
    job_ = farm_.Job(pipeline_, "job")["id"];
    UntilMoreLines(5);
  }
  int Lines() const {
    int lines = 0;
    (void)absl::SimpleAtoi(os::ReadFile(farm_.dir() + "/lines").value_or("0"), &lines);
    return lines;
  }
  void UntilMoreLines(int count) {
    const int wanted = Lines() + count;
    EXPECT_TRUE(Eventually([&] { return Lines() >= wanted; })) << farm_.Logs();
  }
  void EndJob() {
    ASSERT_TRUE(os::WriteFile(farm_.dir() + "/stop", "").ok());
    EXPECT_EQ(farm_.WaitForPipeline(pipeline_), "success") << farm_.Logs();
  }

  Farm farm_{Options()};
  int64_t pipeline_ = 0;
  int64_t job_ = 0;
};

TEST_F(TimestampsTest, AreThoseOfThePrintingAlthoughAgentAndCoordinatorAreKilled) {
  StartJob();
  const std::unique_ptr<Program> follower =
      farm_.StartCtl("follower", {"logs", absl::StrCat(job_), "-f", "--timestamps"});
  farm_.KillAgent("agent-1");
  UntilMoreLines(40);  // nobody carries them
  farm_.StartAgent("agent-1");
  UntilMoreLines(10);
  farm_.KillCoordinator();
  UntilMoreLines(40);
  farm_.StartCoordinator();
  UntilMoreLines(10);
  EndJob();

  const std::string log = farm_.Trace(job_);
  const CtlResult stamped = farm_.Ctl({"logs", absl::StrCat(job_), "--timestamps"});
  EXPECT_EQ(stamped.exit_code, 0) << stamped.err;
  EXPECT_EQ(WithoutTimes(stamped.out), log);
  EXPECT_TRUE(absl::StrContains(log, "the end\n"));
  const Errors errors = ErrorsOf(stamped.out);
  EXPECT_GT(errors.lines, 100);
  // Those that were sent late were so by four seconds at least.
  EXPECT_LT(errors.late, absl::Seconds(2)) << stamped.out;
  // The first ones have the time of the job's start, and a busy machine takes its time for that.
  EXPECT_LE(errors.early, absl::Seconds(1)) << stamped.out;
  // A follower that was cut off sees the same.
  EXPECT_EQ(follower->Wait().exit_code, 0);
  const std::string followed = follower->Log();
  const size_t begin = followed.find(stamped.out.substr(0, 200));
  EXPECT_NE(begin, std::string::npos) << followed.substr(0, 500);
  EXPECT_EQ(ErrorsOf(followed).lines, errors.lines);
  EXPECT_LT(ErrorsOf(followed).late, absl::Seconds(2)) << followed;
  EXPECT_FALSE(absl::StrContains(stamped.out, "--:--")) << stamped.out;
}

TEST_F(TimestampsTest, ALogWithoutThemIsShownWithDashes) {
  StartJob();
  UntilMoreLines(15);  // one that is over in less than a second may have none
  EndJob();
  const std::string log = farm_.Trace(job_);
  const std::string marks =
      absl::StrCat(farm_.CoordinatorState(), "/traces/0/", job_, "-1.trace.marks");
  ASSERT_TRUE(os::Exists(marks));
  ASSERT_TRUE(os::WriteFile(marks, "").ok());
  const CtlResult stamped = farm_.Ctl({"logs", absl::StrCat(job_), "--timestamps"});
  EXPECT_EQ(WithoutTimes(stamped.out), log);
  EXPECT_EQ(stamped.out.substr(0, kStampBytes), "--:--:--.--- ");
  EXPECT_EQ(farm_.Trace(job_), log);
}

}  // namespace
}  // namespace grange::test
