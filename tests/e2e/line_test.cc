// The line between an agent and its coordinator: cut, dead, open in one direction, lossy and slow.
// The agent's machine is a network namespace of its own; needs root.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/os/deadline.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"
#include "tests/support/network.h"
#include "tests/support/tcp_proxy.h"

namespace grange::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHost[] = "work";

class LineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { entered_ = EnterOwnNetwork(); }

  // A farm whose agent is at the other end of the line. False: not on this machine.
  bool Build(double time_scale, int slots) {
    if (!entered_.ok()) return false;
    absl::StatusOr<std::unique_ptr<Network>> network = Network::Make({kHost});
    if (!network.ok()) return false;
    network_ = *std::move(network);
    const absl::StatusOr<std::string> own = network_->Join();
    if (!own.ok()) return false;
    Farm::Options options;
    options.time_scale = time_scale;
    options.coordinator_arguments = {"--name", *own};
    farm_ = std::make_unique<Farm>(options);
    int port = 0;
    const std::string& address = farm_->address();
    EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
    line_ = TcpProxy::Start(static_cast<uint16_t>(port), *own).value();
    farm_->AddAgent({.name = "far",
                     .slots = slots,
                     .coordinator = absl::StrCat(*own, ":", line_->port()),
                     .prefix = network_->In(kHost, {})});
    return true;
  }
  void TearDown() override {
    if (HasFailure() && farm_ != nullptr) ADD_FAILURE() << farm_->Logs();
    farm_.reset();
  }
  // Until `grangectl agents` has this word; how long that took.
  absl::Duration UntilAgentIs(const std::string& word) {
    const absl::Duration start = os::SinceBoot();
    EXPECT_TRUE(Eventually([&] { return absl::StrContains(farm_->Ctl({"agents"}).out, word); }));
    return os::SinceBoot() - start;
  }
  int64_t JobOf(int64_t pipeline) {
    return farm_->Job(pipeline, "work").value("id", int64_t{0});
  }

  static absl::Status entered_;
  std::unique_ptr<Network> network_;  // goes last
  std::unique_ptr<TcpProxy> line_;
  std::unique_ptr<Farm> farm_;
};

absl::Status LineTest::entered_;

// The lines "line 1" to "line COUNT", one each tenth of a second.
std::string Drip(int count) {
  return absl::StrCat("work:\n  script:\n    - for i in $(seq ", count,
                      "); do echo \"line $i\"; sleep 0.1; done\n");
}
std::string Dripped(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) absl::StrAppend(&text, "line ", i, "\n");
  return text;
}

TEST_F(LineTest, N1_ALineThatIsCutForTenSecondsDelaysALogAndLosesNothing) {
  if (!Build(1, 1)) GTEST_SKIP() << "needs root and network namespaces";
  constexpr int kLines = 140;
  const int64_t pipeline = farm_->Submit(farm_->MakeRepository("app", Drip(kLines)));
  ASSERT_TRUE(Eventually([&] { return JobOf(pipeline) > 0; }));
  const std::unique_ptr<Program> follower =
      farm_->StartCtl("follower", {"logs", "-f", absl::StrCat(JobOf(pipeline))});
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(follower->Log(), "line 5\n"); }));

  ASSERT_TRUE(network_->SetLink(kHost, false).ok());
  const absl::Duration cut_at = os::SinceBoot();
  EXPECT_FALSE(Eventually([&] { return !follower->Running(); }, absl::Seconds(10)));
  const std::string before = follower->Log();
  ASSERT_TRUE(network_->Heal(kHost).ok());
  // What was printed meanwhile comes at once when the line is noticed to be there.
  ASSERT_TRUE(Eventually([&] { return follower->Log() != before; }));
  EXPECT_LE(os::SinceBoot() - cut_at, absl::Seconds(10 + 15));

  EXPECT_EQ(farm_->WaitForPipeline(pipeline), "success");
  EXPECT_EQ(follower->Wait().exit_code, 0);
  EXPECT_THAT(follower->Log(), HasSubstr(Dripped(kLines)));
  EXPECT_EQ(follower->Log(), farm_->Trace(JobOf(pipeline)));
  EXPECT_EQ(farm_->Job(pipeline, "work").value("attempt", 0), 1);
}

// Times scaled by 1/20: 30 s until it is noticed are 1.5 s.
struct DeadLine {
  const char* name;
  const char* hook;  // of the rule at the agent's machine; "": the plug is pulled
};
class DeadLineTest : public LineTest, public ::testing::WithParamInterface<DeadLine> {};

TEST_P(DeadLineTest, N3_N4_BothSidesNoticeItInTimeAndTheJobGoesOn) {
  if (!Build(0.05, 1)) GTEST_SKIP() << "needs root and network namespaces";
  constexpr int kLines = 80;
  const int64_t pipeline = farm_->Submit(farm_->MakeRepository("app", Drip(kLines)));
  ASSERT_TRUE(farm_->WaitForJob(pipeline, "work", "running"));

  const std::string hook = GetParam().hook;
  ASSERT_TRUE((hook.empty() ? network_->SetLink(kHost, false)
                            : network_->AddRule(kHost, hook, "drop"))
                  .ok());
  // A third more for a busy machine, and the time of a `grangectl`.
  const absl::Duration in_time = absl::Seconds(1.5) * 4 / 3 + absl::Seconds(1);
  EXPECT_LE(UntilAgentIs("unreachable"), in_time);
  EXPECT_TRUE(Eventually(
      [&] { return absl::StrContains(farm_->agent("far").Log(), "session_ended"); }, in_time));
  EXPECT_THAT(farm_->Ctl({"job", absl::StrCat(JobOf(pipeline))}).out,
              HasSubstr("agent unreachable since "));

  ASSERT_TRUE(network_->Heal(kHost).ok());
  EXPECT_EQ(farm_->WaitForPipeline(pipeline), "success");
  EXPECT_EQ(farm_->Job(pipeline, "work").value("attempt", 0), 1);
  EXPECT_THAT(farm_->Trace(JobOf(pipeline)), HasSubstr(Dripped(kLines)));
}

INSTANTIATE_TEST_SUITE_P(Lines, DeadLineTest,
                         ::testing::Values(DeadLine{"BothWays", ""}, DeadLine{"ToTheAgent", "input"},
                                           DeadLine{"FromTheAgent", "output"}),
                         [](const auto& line) { return std::string(line.param.name); });

TEST_F(LineTest, N5_TwentyJobsOverALossyNarrowAndSlowLineAreRight) {
  if (!Build(1, 4)) GTEST_SKIP() << "needs root and network namespaces";
  constexpr int kJobs = 20;
  std::string config;
  for (int i = 1; i <= kJobs; ++i) {
    absl::StrAppend(&config, "job-", i, ":\n  script: ['seq ", 100 * i, "']\n");
  }
  const std::string repository = farm_->MakeRepository("app", config);
  line_->Delay(absl::Milliseconds(200));
  ASSERT_TRUE(network_->AddRule(kHost, "input", "numgen random mod 100 < 30 drop").ok());
  ASSERT_TRUE(
      network_->Shape(kHost, {"tbf", "rate", "1mbit", "burst", "16kb", "latency", "400ms"}).ok());

  const int64_t pipeline = farm_->Submit(repository);
  const auto is_over = [&] {
    const std::string shown = farm_->Ctl({"pipelines"}).out;
    return !absl::StrContains(shown, "running") && !absl::StrContains(shown, "pending");
  };
  EXPECT_TRUE(Eventually(is_over, 4 * kDeadline));
  EXPECT_EQ(farm_->WaitForPipeline(pipeline), "success");

  for (int i = 1; i <= kJobs; ++i) {
    const nlohmann::json job = farm_->Job(pipeline, absl::StrCat("job-", i));
    EXPECT_EQ(job.value("attempt", 0), 1);
    std::string printed;
    for (int n = 1; n <= 100 * i; ++n) absl::StrAppend(&printed, n, "\n");
    EXPECT_THAT(farm_->Trace(job.value("id", int64_t{0})), HasSubstr("\n" + printed));
  }
  EXPECT_THAT(farm_->coordinator().Log(), Not(HasSubstr("agent_lost")));
}

}  // namespace
}  // namespace grange::test
