// An agent that is away for longer than a job may be without it, in the times of the protocol
// scaled by 1/20: unreachable after 1.5 s, leases of 3 s, lost after 15 s.
#include <signal.h>

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AbsenceTest : public ::testing::Test {
 protected:
  // Submits a job whose script first calls itself attempt 1 or 2, and then runs until Release().
  // The agent "away" has the first attempt and is stopped.
  void StopTheAgentUnderAJob(const std::string& variables) {
    ASSERT_TRUE(os::MakeDirs(marks_).ok());
    const std::string config = absl::StrReplaceAll(
        R"(work:
  retry: {max: 2, when: runner_system_failure}
  variables: {VARIABLES}
  script:
    - if mkdir MARKS/first 2>/dev/null; then n=1; else n=2; fi
    - if [ $n = 2 ] && kill -0 $(cat MARKS/pid-1); then echo $((1 + 1)) run; fi
    - echo "this is $n"
    - echo $$ > MARKS/new-$n; mv MARKS/new-$n MARKS/pid-$n
    - while [ ! -e MARKS/go-$n ]; do sleep 0.05; done
    - echo "end of $n"
    - test $n = 2
)",
        {{"MARKS", marks_}, {"VARIABLES", variables}});
    farm_.AddAgent({.name = "away", .slots = 1});
    pipeline_ = farm_.Submit(farm_.MakeRepository("app", config));
    ASSERT_TRUE(Eventually([&] { return PidOf(1) > 0; })) << farm_.Logs();
    job_ = farm_.Job(pipeline_, "work").value("id", int64_t{0});
    farm_.agent("away").Kill(SIGSTOP);
  }
  // 0: it has not begun.
  pid_t PidOf(int attempt) const {
    int pid = 0;
    const auto text = os::ReadFile(absl::StrCat(marks_, "/pid-", attempt));
    return text.ok() && absl::SimpleAtoi(*text, &pid) ? pid : 0;
  }
  bool Runs(int attempt) const { return ::kill(PidOf(attempt), 0) == 0; }
  void Release(int attempt) {
    ASSERT_TRUE(os::WriteFile(absl::StrCat(marks_, "/go-", attempt), "").ok());
  }
  // The fields of /proc/PID/stat behind the name: state, parent, ...
  static std::vector<std::string> StatOf(pid_t pid) {
    const std::string text = os::ReadFile(absl::StrCat("/proc/", pid, "/stat")).value_or(") X 0");
    return absl::StrSplit(text.substr(text.rfind(')') + 2), ' ');
  }

  std::string Shown() { return farm_.Ctl({"job", absl::StrCat(job_)}).out; }
  bool IsShown(const std::string& text) {
    return Eventually([&] { return Shown().find(text) != std::string::npos; });
  }
  // What must hold once the agent is back and the second attempt may end.
  void ExpectTheSecondAttemptToCount() {
    Release(2);
    EXPECT_EQ(farm_.WaitForPipeline(pipeline_), "success") << Shown();
    EXPECT_EQ(farm_.Job(pipeline_, "work").value("attempt", 0), 2);
    const std::string trace = farm_.Trace(job_);
    EXPECT_THAT(trace, HasSubstr("end of 2"));
    EXPECT_THAT(trace, Not(HasSubstr("of 1")));
    EXPECT_THAT(Shown(), HasSubstr("no contact for 15 s"));
    EXPECT_EQ(farm_.StopAndFindLeftovers(), "");
  }

  Farm farm_{{.time_scale = 0.05, .coordinator_arguments = {}, .agent_environment = {},
              .prepare_state = {}}};
  const std::string marks_ = farm_.dir() + "/marks";
  int64_t pipeline_ = 0, job_ = 0;
};

TEST_F(AbsenceTest, A10_N2_AJobThatGoesOnIsRevokedAndKilledWhenItsLostAgentComesBack) {
  ASSERT_NO_FATAL_FAILURE(StopTheAgentUnderAJob(""));
  EXPECT_TRUE(IsShown("agent unreachable since ")) << Shown();
  EXPECT_THAT(Shown(), HasSubstr("job goes on"));
  EXPECT_THAT(farm_.Ctl({"pipelines"}).out, HasSubstr("unreachable"));
  EXPECT_THAT(farm_.Ctl({"agents"}).out, HasSubstr("unreachable"));
  EXPECT_TRUE(IsShown("lost: no contact for 15 s, attempt 2 of 3 queued")) << Shown();

  farm_.AddAgent({.name = "here", .slots = 1});
  ASSERT_TRUE(Eventually([&] { return PidOf(2) > 0; })) << Shown();
  EXPECT_TRUE(Runs(1));  // nobody can tell it, and it was to go on

  farm_.agent("away").Kill(SIGCONT);
  EXPECT_TRUE(Eventually([&] { return !Runs(1); }));
  EXPECT_TRUE(Runs(2));
  ExpectTheSecondAttemptToCount();
}

TEST_F(AbsenceTest, A10_N2_AJobThatMustNotRunUnwatchedIsDeadBeforeItsNextAttemptBegins) {
  ASSERT_NO_FATAL_FAILURE(StopTheAgentUnderAJob("GRANGE_ON_DISCONNECT: stop"));
  farm_.AddAgent({.name = "here", .slots = 1});
  EXPECT_TRUE(IsShown("job stops when its lease is over")) << Shown();
  // Its shim alone has seen to it.
  EXPECT_TRUE(Eventually([&] { return !Runs(1); }));
  EXPECT_EQ(PidOf(2), 0);

  ASSERT_TRUE(Eventually([&] { return PidOf(2) > 0; })) << Shown();
  farm_.agent("away").Kill(SIGCONT);
  EXPECT_TRUE(Eventually([&] {
    return farm_.Ctl({"agents"}).out.find("unreachable") == std::string::npos;
  }));
  EXPECT_THAT(farm_.Trace(job_), Not(HasSubstr("2 run")));
  ExpectTheSecondAttemptToCount();
}

TEST_F(AbsenceTest, A10_TheLateResultOfALostAttemptChangesNothing) {
  ASSERT_NO_FATAL_FAILURE(StopTheAgentUnderAJob(""));
  int shim = 0;
  ASSERT_TRUE(absl::SimpleAtoi(StatOf(PidOf(1))[1], &shim));
  ASSERT_EQ(::kill(shim, SIGSTOP), 0);
  farm_.AddAgent({.name = "here", .slots = 1});
  ASSERT_TRUE(Eventually([&] { return PidOf(2) > 0; })) << Shown();

  // It fails, and nobody there can say so yet.
  Release(1);
  ASSERT_TRUE(Eventually([&] { return StatOf(PidOf(1))[0] == "Z"; }));
  ASSERT_EQ(::kill(shim, SIGCONT), 0);
  ASSERT_TRUE(Eventually([&] { return !Runs(1); }));
  farm_.agent("away").Kill(SIGCONT);
  EXPECT_TRUE(Eventually([&] {
    return farm_.Ctl({"agents"}).out.find("unreachable") == std::string::npos;
  }));
  EXPECT_EQ(farm_.Job(pipeline_, "work").value("status", ""), "running");
  ExpectTheSecondAttemptToCount();
}

}  // namespace
}  // namespace grange::test
