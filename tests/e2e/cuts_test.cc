// A job under which the coordinator is restarted, and lines that are cut after any number of bytes: it
// runs once, and nobody misses a byte of its log or reads one twice.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"
#include "tests/support/tcp_proxy.h"

namespace grange::test {
namespace {

// How often; GRANGE_CUTS=5000 is the long form of the fault table.
int Cuts(int usual) {
  const char* const wanted = std::getenv("GRANGE_CUTS");
  int cuts = usual;
  if (wanted != nullptr) (void)absl::SimpleAtoi(wanted, &cuts);
  return cuts;
}

// A farm with a job that prints numbered lines until it is told to stop.
class CutsTest : public ::testing::Test {
 protected:
  static Farm::Options Options() {
    Farm::Options options;
    options.agent_arguments = {"--reconnect-max", "0.1"};
    return options;
  }
  // The agent reaches the coordinator through `link_`.
  void StartJob(const std::string& between_lines) {
    absl::StatusOr<std::unique_ptr<TcpProxy>> link = TcpProxy::Start(CoordinatorPort());
    ASSERT_TRUE(link.ok()) << link.status();
    link_ = *std::move(link);
    AgentOptions agent;
    agent.coordinator = absl::StrCat("127.0.0.1:", link_->port());
    farm_.AddAgent(agent);
    stop_ = farm_.dir() + "/stop";
    const std::string repository = farm_.MakeRepository(
        "app", absl::StrCat("job:\n  script:\n    - i=0; while [ ! -e ", stop_,
                            " ]; do echo line $i; i=$((i+1)); ", between_lines, "; done\n"));
    pipeline_ = farm_.Submit(repository);
    ASSERT_TRUE(farm_.WaitForJob(pipeline_, "job", "running"));
    job_ = farm_.Job(pipeline_, "job")["id"];
  }
  uint16_t CoordinatorPort() const {
    int port = 0;
    (void)absl::SimpleAtoi(farm_.address().substr(farm_.address().rfind(':') + 1), &port);
    return static_cast<uint16_t>(port);
  }
  // Ends the job; its log has each line once, and it ran once.
  void ExpectWhole() {
    ASSERT_TRUE(os::WriteFile(stop_, "").ok());
    EXPECT_EQ(farm_.WaitForPipeline(pipeline_), "success");
    EXPECT_EQ(farm_.Job(pipeline_, "job")["attempt"], 1);
    ExpectEachLineOnce(farm_.Trace(job_));
  }
  static void ExpectEachLineOnce(const std::string& log) {
    const size_t begin = log.find("\nline 0\n");
    ASSERT_NE(begin, std::string::npos) << log.substr(0, 500);
    int next = 0;
    for (const absl::string_view line : absl::StrSplit(log.substr(begin + 1), '\n')) {
      if (line.empty()) continue;
      ASSERT_EQ(line, absl::StrCat("line ", next)) << "of " << log.size() << " bytes";
      ++next;
    }
    EXPECT_GT(next, 10);
  }

  Farm farm_{Options()};
  std::unique_ptr<TcpProxy> link_;
  std::mt19937 random_{20261125};
  std::string stop_;
  int64_t pipeline_ = 0, job_ = 0;
};

TEST_F(CutsTest, C3_FiftyRestartsOfTheCoordinatorUnderOneJob) {
  StartJob("sleep 0.01");
  for (int i = 0; i < 50; ++i) {
    SCOPED_TRACE(absl::StrCat("restart ", i));
    farm_.KillCoordinator(SIGTERM);
    farm_.StartCoordinator();
    if (HasFailure()) return;
  }
  ExpectWhole();
}

TEST_F(CutsTest, N7_TheAgentsLineIsCutAfterAnyNumberOfBytes) {
  StartJob("sleep 0.01");
  const int cuts = Cuts(60);
  for (int i = 0; i < cuts; ++i) {
    const uint64_t bytes = cuts >= 5000 ? uint64_t(i) + 1 : random_() % 5000 + 1;
    SCOPED_TRACE(absl::StrCat("cut after ", bytes, " bytes"));
    // Every other one falls into the next connection, from its handshake on.
    if (i % 2 == 1) link_->Cut();
    const uint64_t before = link_->cuts();
    link_->CutAfter(bytes);
    ASSERT_TRUE(Eventually([&] { return link_->cuts() > before; }));
  }
  ExpectWhole();
}

TEST_F(CutsTest, W2_AFollowerThatIsCutGoesOnWhereItWas) {
  StartJob("sleep 0.001");
  const auto line = TcpProxy::Start(CoordinatorPort());
  ASSERT_TRUE(line.ok()) << line.status();
  const auto follower =
      farm_.StartCtl("follower", {"--coordinator", absl::StrCat("127.0.0.1:", (*line)->port()),
                                  "logs", "-f", absl::StrCat(job_)});
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(follower->Log(), "line 0"); }));
  const int cuts = Cuts(60);
  for (int i = 0; i < cuts; ++i) {
    const uint64_t before = (*line)->cuts();
    (*line)->CutAfter(random_() % 8000 + 1);
    ASSERT_TRUE(Eventually([&] { return (*line)->cuts() > before || !follower->Running(); }));
    ASSERT_TRUE(follower->Running()) << "cut " << i << ": " << follower->Log().substr(
        follower->Log().size() - std::min<size_t>(follower->Log().size(), 500));
  }
  ExpectWhole();
  EXPECT_EQ(follower->Wait().exit_code, 0);
  ExpectEachLineOnce(follower->Log());
  EXPECT_EQ(follower->Log(), farm_.Trace(job_));
}

}  // namespace
}  // namespace grange::test
