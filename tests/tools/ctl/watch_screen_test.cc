#include "tools/ctl/watch_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace grange::ctl {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kStartMs = 1714564800000;

WatchState StateWith(int jobs, const std::string& tail) {
  v1::WatchEvent event;
  v1::Pipeline* pipeline = event.mutable_pipeline();
  pipeline->set_id(2);
  pipeline->set_status("running");
  pipeline->set_project("portal");
  pipeline->set_ref_name("main");
  pipeline->set_sha("0123456789abcdef");
  pipeline->set_title("first");
  for (int i = 1; i <= jobs; ++i) {
    v1::Job* job = event.add_jobs();
    job->set_id(i);
    job->set_name(absl::StrCat("job-", i));
    job->set_stage("test");
    job->set_status(i == jobs ? "running" : "success");
    job->set_agent("agent-1");
    job->set_started_ms(kStartMs);
    if (i != jobs) job->set_finished_ms(kStartMs + 1000);
  }
  if (!tail.empty()) {
    event.add_tails()->set_job_id(jobs);
    event.mutable_tails(0)->set_text(tail);
  }
  WatchState state;
  state.Apply(event, absl::FromUnixMillis(kStartMs));
  return state;
}

TEST(WatchScreenTest, ShowsStagesJobsAndTheEndOfTheLog) {
  const std::vector<std::string> lines = RenderWatch(
      StateWith(2, "one\ntwo\n"), {.is_terminal = true}, absl::FromUnixMillis(kStartMs + 3000));

  EXPECT_THAT(lines, ElementsAre("pipeline 2  running  portal  main  01234567  first", "test",
                                 HasSubstr("job-1"), HasSubstr("running"), HasSubstr("job-2"),
                                 "one", "two"));
}

TEST(WatchScreenTest, ElapsedTimeGrowsWithoutAnEvent) {
  const WatchState state = StateWith(1, "");
  const auto third = [&](int64_t after_ms) {
    return RenderWatch(state, {.is_terminal = true}, absl::FromUnixMillis(kStartMs + after_ms))[2];
  };
  EXPECT_NE(third(3000), third(4000));
}

TEST(WatchScreenTest, NeverTakesMoreThanTheTerminalHas) {
  const Terminal small = {.is_terminal = true, .columns = 30, .rows = 10};
  const std::vector<std::string> lines = RenderWatch(
      StateWith(200, std::string(1000, 'x') + "\nlast\n"), small, absl::FromUnixMillis(kStartMs));

  EXPECT_LT(lines.size(), 10u);
  for (const std::string& line : lines) EXPECT_LT(Width(line), 30u);
  EXPECT_THAT(lines, Contains(HasSubstr("job-200")));  // what runs is seen
  EXPECT_THAT(lines, Contains(HasSubstr("more")));
}

TEST(WatchScreenTest, ALogCannotMoveTheCursor) {
  const std::vector<std::string> lines = RenderWatch(
      StateWith(1, "a\x1b[10Ab\x1b]0;title\a\n"), {.is_terminal = true}, absl::FromUnixMillis(0));

  EXPECT_THAT(lines, Not(Contains(HasSubstr("\x1b"))));
}

TEST(WatchScreenTest, RedrawsOverItsOwnLines) {
  RedrawnLines screen;
  EXPECT_EQ(screen.Draw({"a", "b"}), "a\x1b[K\nb\x1b[K\n\x1b[J");
  EXPECT_EQ(screen.Draw({"c"}), "\x1b[2Fc\x1b[K\n\x1b[J");
}

}  // namespace
}  // namespace grange::ctl
