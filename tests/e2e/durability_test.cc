// kill -9 of coordinator or agent while jobs run: nothing is lost, nothing runs twice.
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/os/deadline.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

constexpr int kKills = 20;
constexpr int kLines = 4000;

// A job that prints a known stream, slowly enough to be hit, and leaves one line in a side file
// for each start.
constexpr char kConfig[] = R"yaml(
stream:
  variables: {GIT_STRATEGY: none}
  script:
    - echo started >> $STARTS
    - |
      for ((i = 0; i < LINES_WANTED; i++)); do
        printf 'line %06d of a known stream\n' $i
        if ((i % 40 == 0)); then read -t 0.005 <> <(:) || :; fi
      done
)yaml";

std::string WantedStream() {
  std::string all;
  char line[64];
  for (int i = 0; i < kLines; ++i) {
    std::snprintf(line, sizeof line, "line %06d of a known stream\n", i);
    all += line;
  }
  return all;
}

uint64_t Seed() {
  const char* const given = std::getenv("GRANGE_SEED");  // NOLINT(concurrency-mt-unsafe)
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::printf("seed %llu (GRANGE_SEED=%llu repeats it)\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(seed));
  return seed;
}

class DurabilityTest : public ::testing::Test {
 protected:
  DurabilityTest() : random_(Seed()) {
    farm_.AddAgent();
    repo_ = farm_.MakeRepository("app", kConfig);
  }

  int64_t SubmitStream(int round) {
    starts_ = absl::StrCat(farm_.dir(), "/starts-", round);
    return farm_.Submit(
        repo_, {"--var", "STARTS=" + starts_, "--var", absl::StrCat("LINES_WANTED=", kLines)});
  }

  // A moment between before the offer and after the result.
  void WaitForRandomMoment() {
    const absl::Time until =
        absl::Now() + absl::Milliseconds(std::uniform_int_distribution<int>(0, 1500)(random_));
    Eventually([&] { return absl::Now() >= until; });
  }

  void ExpectWhole(int64_t pipeline) {
    const std::string status = farm_.WaitForPipeline(pipeline);
    const nlohmann::json job = farm_.Job(pipeline, "stream");
    if (Text(job, "failure_reason") == "agent_crash") {
      // Killed between "starting" and the start: it says so and has not run (faults A2).
      EXPECT_FALSE(os::Exists(starts_));
      return;
    }
    EXPECT_EQ(status, "success") << job.dump();
    EXPECT_EQ(job.value("attempt", 0), 1);
    std::string trace = farm_.Trace(job.value("id", 0));
    // Before the stream stand the lines that echo the commands.
    const size_t begin = trace.find("line 000000");
    ASSERT_NE(begin, std::string::npos) << trace.substr(0, 500);
    const std::string got = trace.substr(begin, WantedStream().size());
    EXPECT_EQ(absl::BytesToHexString(os::Sha256Of(got)),
              absl::BytesToHexString(os::Sha256Of(WantedStream())));
    EXPECT_EQ(os::ReadFile(starts_).value_or(""), "started\n");
  }

  Farm farm_;
  std::mt19937_64 random_;
  std::string repo_, starts_;
};

TEST_F(DurabilityTest, C1_TwentyKillsOfTheCoordinatorLoseNothing) {
  for (int round = 0; round < kKills; ++round) {
    SCOPED_TRACE(absl::StrCat("kill ", round));
    const int64_t pipeline = SubmitStream(round);
    WaitForRandomMoment();
    farm_.KillCoordinator();
    const absl::Duration start = os::SinceBoot();
    farm_.StartCoordinator();
    EXPECT_LE(os::SinceBoot() - start, absl::Seconds(3));
    ExpectWhole(pipeline);
    if (HasFailure()) return;
  }
}

TEST_F(DurabilityTest, A1_TwentyKillsOfTheAgentLoseNothing) {
  for (int round = 0; round < kKills; ++round) {
    SCOPED_TRACE(absl::StrCat("kill ", round));
    const int64_t pipeline = SubmitStream(round);
    WaitForRandomMoment();
    farm_.KillAgent("agent-1");
    farm_.StartAgent("agent-1");
    ExpectWhole(pipeline);
    if (HasFailure()) return;
  }
}

TEST_F(DurabilityTest, ASubmitCutAtAnyMomentAndRepeatedMakesOnePipeline) {
  for (int round = 0; round < 10; ++round) {
    farm_.Commit(repo_, {{"file", absl::StrCat(round)}});
    const std::string key = absl::BytesToHexString(absl::StrCat("request-key-", 1000 + round));
    const std::vector<std::string> submit = {"submit", repo_, "--request-key", key};
    {
      const std::unique_ptr<Program> cut = farm_.StartCtl(absl::StrCat("cut-", round), submit);
      const absl::Time until =
          absl::Now() + absl::Milliseconds(std::uniform_int_distribution<int>(0, 60)(random_));
      Eventually([&] { return absl::Now() >= until || !cut->Running(); });
      cut->Kill(9);
      cut->Wait();
    }
    const CtlResult first = farm_.Ctl(submit);
    const CtlResult second = farm_.Ctl(submit);
    EXPECT_EQ(first.exit_code, 0) << first.err;
    EXPECT_EQ(first.out, second.out);
  }
  const nlohmann::json pipelines = farm_.Ctl({"pipelines", "-o", "json"}).json();
  EXPECT_EQ(pipelines["pipelines"].size(), 10u);
}

}  // namespace
}  // namespace grange::test
