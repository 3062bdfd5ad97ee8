#include "tools/ctl/watch_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/ctl/time_text.h"

namespace grange::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kStartMs = 1714564800000;

v1::Job MakeJob(int64_t id, const std::string& name, const std::string& status) {
  v1::Job job;
  job.set_id(id);
  job.set_name(name);
  job.set_status(status);
  job.set_attempt(1);
  if (status == "running" || status == "success" || status == "failed") {
    job.set_agent("agent-1");
    job.set_started_ms(kStartMs);
  }
  if (status == "success" || status == "failed") job.set_finished_ms(kStartMs + 4200);
  if (status == "failed") {
    job.set_failure_reason("script_failure");
    job.set_exit_code(1);
  }
  return job;
}

// A pipeline whose events a test makes.
class Watched {
 public:
  std::vector<std::string> Apply(const v1::WatchEvent& event) {
    std::vector<std::string> texts;
    for (const WatchState::Line& line : state_.Apply(event, now_)) texts.push_back(line.text);
    return texts;
  }
  std::vector<std::string> Jobs(const std::vector<v1::Job>& jobs) {
    v1::WatchEvent event;
    for (const v1::Job& job : jobs) *event.add_jobs() = job;
    return Apply(event);
  }
  void Pipeline(const std::string& status) {
    v1::WatchEvent event;
    event.mutable_pipeline()->set_id(2);
    event.mutable_pipeline()->set_project("portal");
    event.mutable_pipeline()->set_status(status);
    Apply(event);
  }
  WatchState& state() { return state_; }
  std::string Result() const { return state_.Result(now_); }

 private:
  WatchState state_;
  absl::Time now_ = absl::FromUnixMillis(kStartMs + 10'000);
};

TEST(WatchStateTest, N1SaysThatTheAgentIsUnreachableAndThatTheJobGoesOn) {
  Watched watched;
  v1::Job job = MakeJob(1, "test", "running");
  watched.Jobs({job});
  job.set_agent_unreachable_since_ms(kStartMs + 5000);
  EXPECT_THAT(watched.Jobs({job}),
              ElementsAre(EndsWith(absl::StrCat("on agent-1, agent unreachable since ",
                                                ClockText(absl::FromUnixMillis(kStartMs + 5000)),
                                                ", job goes on"))));
  job.set_agent_unreachable_since_ms(0);
  EXPECT_THAT(watched.Jobs({job}), ElementsAre(EndsWith("running  on agent-1")));
}

TEST(WatchStateTest, N2SaysThatAJobWasLostAndWaitsAgain) {
  Watched watched;
  v1::Job job = MakeJob(1, "test", "pending");
  job.set_attempt(2);
  job.set_note("lost: no contact for 5 min, attempt 2 of 3 queued");
  EXPECT_THAT(watched.Jobs({job}),
              ElementsAre(EndsWith("lost: no contact for 5 min, attempt 2 of 3 queued")));
}

TEST(WatchStateTest, WhatTheAgentDoesJustNowIsNoLineOfItsOwn) {
  Watched watched;
  v1::Job job = MakeJob(1, "test", "running");
  job.set_note("fetching sources");
  EXPECT_THAT(watched.Jobs({job}), ElementsAre(EndsWith("running  on agent-1, fetching sources")));
  job.clear_note();
  EXPECT_THAT(watched.Jobs({job}), IsEmpty());
}

TEST(WatchStateTest, GivesALineForEachChangeOfState) {
  Watched watched;
  EXPECT_THAT(watched.Jobs({MakeJob(3, "test", "created")}), IsEmpty());
  EXPECT_THAT(
      watched.Jobs({MakeJob(3, "test", "running")}),
      ElementsAre(ClockText(absl::FromUnixMillis(kStartMs)) + "  test  running  on agent-1"));
  v1::Job done = MakeJob(3, "test", "success");
  done.set_has_coverage(true);
  done.set_coverage(87);
  EXPECT_THAT(watched.Jobs({done}), ElementsAre(EndsWith("  test  success  4.2 s, coverage 87%")));
}

TEST(WatchStateTest, RepeatsNothingAfterAReconnect) {
  Watched watched;
  const std::vector<v1::Job> whole = {MakeJob(3, "test", "failed"), MakeJob(4, "b", "running")};
  watched.Pipeline("running");
  watched.Jobs(whole);

  EXPECT_THAT(watched.Jobs(whole), IsEmpty());
}

TEST(WatchStateTest, ShowsAnotherAttemptAsAChange) {
  Watched watched;
  watched.Jobs({MakeJob(3, "test", "running")});
  v1::Job again = MakeJob(3, "test", "running");
  again.set_attempt(2);

  EXPECT_THAT(watched.Jobs({again}), ElementsAre(HasSubstr("running (attempt 2)")));
}

TEST(WatchStateTest, EscapesTheNamesOfJobs) {
  Watched watched;
  EXPECT_THAT(watched.Jobs({MakeJob(3, "a\x1b[2J", "running")}),
              ElementsAre(HasSubstr("a\\x1b[2J")));
}

TEST(WatchStateTest, NamesTheReasonOfTheFirstFailureLast) {
  Watched watched;
  watched.Jobs({MakeJob(3, "test", "failed"), MakeJob(4, "deploy", "skipped")});
  watched.Pipeline("failed");

  EXPECT_EQ(watched.Result(),
            "pipeline 2 failed: job 'test' failed: exit status 1 (script_failure); see 'grangectl "
            "logs 3'");
  EXPECT_EQ(watched.state().exit_code(), kExitFailed);
}

TEST(WatchStateTest, AnAllowedFailureFailsNothing) {
  Watched watched;
  v1::Job job = MakeJob(3, "lint", "failed");
  job.set_allow_failure(true);
  watched.Jobs({job});
  watched.Pipeline("success");

  EXPECT_EQ(watched.Result(), "pipeline 2 success");
  EXPECT_EQ(watched.state().exit_code(), kExitDone);
}

TEST(WatchStateTest, NamesThePlayCommandWhereOnlyAPersonCanGoOn) {
  Watched watched;
  watched.Jobs({MakeJob(3, "test", "success"), MakeJob(7, "deploy", "manual")});
  watched.Pipeline("manual");

  EXPECT_EQ(watched.Result(), "pipeline 2 waits for a person: 'grangectl play 7' starts 'deploy'");
  EXPECT_EQ(watched.state().exit_code(), kExitDone);
}

TEST(WatchStateTest, ACanceledPipelineIsNoSuccess) {
  Watched watched;
  watched.Jobs({MakeJob(3, "test", "canceled")});
  watched.Pipeline("canceled");

  EXPECT_THAT(watched.Result(), HasSubstr("pipeline 2 canceled"));
  EXPECT_EQ(watched.state().exit_code(), kExitFailed);
}

TEST(WatchStateTest, JoinsTailsByTheirOffsets) {
  Watched watched;
  watched.Jobs({MakeJob(3, "test", "running")});
  const auto tail = [&](uint64_t offset, const std::string& text) {
    v1::WatchEvent event;
    v1::WatchEvent::Tail* added = event.add_tails();
    added->set_job_id(3);
    added->set_offset(offset);
    added->set_text(text);
    watched.Apply(event);
    return watched.state().Tail();
  };

  EXPECT_EQ(tail(0, "abc"), "abc");
  EXPECT_EQ(tail(3, "def"), "abcdef");
  EXPECT_EQ(tail(4, "efgh"), "abcdefgh");
  EXPECT_EQ(tail(100, "xyz"), "xyz");
}

TEST(WatchStateTest, ForgetsTheTailOfAJobThatEnded) {
  Watched watched;
  watched.Jobs({MakeJob(3, "test", "running")});
  v1::WatchEvent event;
  event.add_tails()->set_job_id(3);
  watched.Apply(event);
  EXPECT_EQ(watched.state().TailJob(), 3);

  watched.Jobs({MakeJob(3, "test", "success")});

  EXPECT_EQ(watched.state().TailJob(), 0);
}

}  // namespace
}  // namespace grange::ctl
