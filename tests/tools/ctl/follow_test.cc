// watch and logs over streams that break, and errors of a coordinator that the test plays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fake_control.h"
#include "run_ctl.h"

namespace grange::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const grpc::Status kBroken(grpc::StatusCode::UNAVAILABLE, "Socket closed");

v1::WatchEvent Event(const std::string& pipeline_status, const std::string& job_status) {
  v1::WatchEvent event;
  v1::Pipeline* pipeline = event.mutable_pipeline();
  pipeline->set_id(2);
  pipeline->set_project("portal");
  pipeline->set_ref_name("main");
  pipeline->set_status(pipeline_status);
  v1::Job* job = event.add_jobs();
  job->set_id(3);
  job->set_name("test");
  job->set_status(job_status);
  job->set_attempt(1);
  job->set_started_ms(1714564800000);
  job->set_agent("agent-1");
  if (job_status == "failed" || job_status == "success") job->set_finished_ms(1714564804000);
  if (job_status == "failed") {
    job->set_exit_code(1);
    job->set_failure_reason("script_failure");
  }
  event.set_ended(pipeline_status != "running");
  return event;
}

CtlRun Follow(const FakeControl& control, std::vector<std::string> args, std::string input = "") {
  return RunCtl(std::move(args),
                {.environment = {control.ConfigVariable()}, .input = std::move(input)});
}

TEST(WatchTest, GoesOnAfterABreakWithoutRepeatingALine) {
  FakeControl control;
  control.AddWatch({.events = {Event("running", "running")}, .end = kBroken});
  control.AddWatch({.events = {Event("running", "running"), Event("success", "success")},
                    .end = grpc::Status::OK});

  const CtlRun run = Follow(control, {"watch", "2"});

  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::vector<std::string> lines = absl::StrSplit(run.out, '\n');
  EXPECT_THAT(lines, ElementsAre(HasSubstr("pipeline 2 of portal"), EndsWith("running  on agent-1"),
                                 HasSubstr("test  success"), "pipeline 2 success", ""));
}

TEST(WatchTest, ShowsTheEndOfAFailedJobsLogAndTheReasonLast) {
  FakeControl control;
  control.SetLog("one\ntwo\nAssertionError\n", 1 << 20, 1 << 20);
  control.AddWatch({.events = {Event("failed", "failed")}, .end = grpc::Status::OK});

  const CtlRun run = Follow(control, {"watch", "2"});

  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out, HasSubstr("| AssertionError\n"));
  EXPECT_THAT(run.out,
              EndsWith("pipeline 2 failed: job 'test' failed: exit status 1 (script_failure); see "
                       "'grangectl logs 3'\n"));
}

TEST(WatchTest, JsonIsOneValueAtTheEnd) {
  FakeControl control;
  control.AddWatch({.events = {Event("running", "running"), Event("success", "success")},
                    .end = grpc::Status::OK});

  const CtlRun run = Follow(control, {"watch", "2", "-o", "json"});

  EXPECT_EQ(run.json()["status"], "success") << run.out;
  EXPECT_EQ(run.json()["jobs"][0]["name"], "test");
  EXPECT_THAT(run.err, IsEmpty());
}

TEST(WatchTest, AnUnknownPipelineIsExitCode1) {
  const FakeControl control;
  const CtlRun run = Follow(control, {"watch", "7"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err, "no such pipeline\n");
}

TEST(LogsTest, WritesEveryByteOnceAlthoughTheConnectionBreaks) {
  FakeControl control;
  std::string log;
  for (int i = 0; i < 1000; ++i) log += static_cast<char>(i * 37);
  control.SetLog(log, /*bytes_per_connection=*/300, /*part_bytes=*/7);

  const CtlRun run = Follow(control, {"logs", "3", "-f"});

  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(run.out == log);
  EXPECT_THAT(control.log_offsets(), ElementsAre(0, 300, 600, 900));
}

// A line each second of the first of January 1970, and its mark.
void SetTimedLog(FakeControl& control, int lines, size_t bytes_per_connection, size_t part_bytes) {
  std::string log;
  std::vector<v1::LogMark> marks;
  for (int i = 0; i < lines; ++i) {
    marks.emplace_back();
    marks.back().set_offset(log.size());
    marks.back().set_unix_ms(1000 * i);
    marks.back().set_kind(v1::TraceMark::KIND_TIME);
    absl::StrAppend(&log, "line ", i, "\n");
  }
  control.SetLog(log, bytes_per_connection, part_bytes);
  control.SetMarks(std::move(marks));
}

TEST(LogsTest, TimestampsStandBeforeEachLineAlthoughTheConnectionBreaks) {
  FakeControl control;
  SetTimedLog(control, 50, /*bytes_per_connection=*/150, /*part_bytes=*/7);
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    absl::StrAppend(&expected, "00:00:", i < 10 ? "0" : "", i, ".000 line ", i, "\n");
  }

  const CtlRun run = RunCtl({"logs", "3", "-f", "--timestamps"},
                            {.environment = {control.ConfigVariable(), "TZ=UTC"}});

  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, expected);
}

TEST(LogsTest, WithoutTheFlagNothingIsPutIn) {
  FakeControl control;
  SetTimedLog(control, 2, 1000, 1000);
  EXPECT_EQ(Follow(control, {"logs", "3"}).out, "line 0\nline 1\n");
}

TEST(ErrorsTest, WhatIsNotAllowedIsExitCode4) {
  const FakeControl control;
  const CtlRun run = Follow(control, {"token", "list"});
  EXPECT_EQ(run.exit_code, 4);
  EXPECT_EQ(run.err, "this needs the role admin, 'ada' has viewer\n");
}

TEST(ErrorsTest, AnOlderCoordinatorIsNamedAsTheCause) {
  const FakeControl control;
  const CtlRun run = Follow(control, {"agents"});  // the fake has no such call
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("bring it to the version of this grangectl"));
}

TEST(VariablesTest, ASecretComesFromStdinWithoutItsLineFeed) {
  const FakeControl control;
  EXPECT_EQ(Follow(control, {"var", "set", "KEY", "-", "--masked", "--project", "p"}, "s3cret\n")
                .exit_code,
            0);
  EXPECT_EQ(
      Follow(control, {"var", "set", "F", "-", "--file", "--project", "p"}, "line\n").exit_code, 0);
  EXPECT_EQ(Follow(control, {"var", "set", "E", "", "--project", "p"}).exit_code, 0);
  EXPECT_EQ(Follow(control, {"var", "set", "D", "--project", "p", "--", "-x"}).exit_code, 0);

  const std::vector<v1::SetVariableRequest> variables = control.variables();
  ASSERT_EQ(variables.size(), 4u);
  EXPECT_EQ(variables[0].value(), "s3cret");
  EXPECT_TRUE(variables[0].masked());
  EXPECT_EQ(variables[1].value(), "line\n");
  EXPECT_EQ(variables[2].value(), "");
  EXPECT_EQ(variables[3].value(), "-x");
}

}  // namespace
}  // namespace grange::ctl
