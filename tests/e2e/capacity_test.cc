// Many agents, long queues, stopped watchers, floods: what they cost the coordinator. The sizes fit
// a test; `grange-bench B6 B9 B10 B14 B15 B16` has the full ones.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/os/deadline.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"
#include "tools/bench/measure/process_table.h"
#include "tools/bench/swarm/stopped_watcher.h"
#include "tools/bench/swarm/swarm.h"

namespace grange::test {
namespace {

using bench::OfferAnswer;
using bench::StoppedWatcher;
using bench::Swarm;
using bench::SwarmCounts;
using bench::SwarmOptions;

constexpr uint64_t kMiB = 1 << 20;

std::string NoopJobs(int count, const std::string& more = "") {
  std::string text;
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&text, "job-", i, ":\n  variables: {GIT_STRATEGY: none}\n  script: ['true']\n",
                    more);
  }
  return text;
}

// Prints 8 MiB, which fill the pipe and the windows of a watcher that has stopped, waits for the
// file $GO, then prints $MIB MiB.
constexpr char kPrintConfig[] = R"yaml(
print:
  variables: {GIT_STRATEGY: none}
  script:
    - for ((i = 0; i < 8; i++)); do cat "$TEXT"; done; touch "$READY"
    - until test -e "$GO"; do sleep 0.01; done
    - for ((i = 0; i < MIB; i++)); do cat "$TEXT"; done
)yaml";

uint64_t PeakOf(pid_t pid) {
  const absl::StatusOr<bench::ProcessMemory> memory = bench::MemoryOf(pid);
  EXPECT_TRUE(memory.ok()) << memory.status();
  return memory.ok() ? memory->peak_bytes : 0;
}

uint64_t ResidentOf(pid_t pid) {
  const absl::StatusOr<bench::ProcessMemory> memory = bench::MemoryOf(pid);
  EXPECT_TRUE(memory.ok()) << memory.status();
  return memory.ok() ? memory->resident_bytes : 0;
}

class CapacityTest : public ::testing::Test {
 protected:
  std::unique_ptr<Swarm> MakeSwarm(Farm& farm, int agents, OfferAnswer answer) {
    const CtlResult token = farm.Ctl(
        {"token", "create", "--registration", "--uses", absl::StrCat(agents), "-o", "json"});
    EXPECT_EQ(token.exit_code, 0) << token.err;
    SwarmOptions options;
    options.address = farm.address();
    options.ca_pem = os::ReadFile(farm.CoordinatorState() + "/keys/ca.pem").value_or("");
    options.answer = answer;
    absl::StatusOr<std::unique_ptr<Swarm>> swarm =
        Swarm::Register(options, Text(token.json(), "token"), agents);
    EXPECT_TRUE(swarm.ok()) << swarm.status();
    return swarm.ok() ? *std::move(swarm) : nullptr;
  }

  void Until(Swarm& swarm, const std::string& what,
             const std::function<bool(const SwarmCounts&)>& holds) {
    const absl::Status status = swarm.WaitUntil(what, holds, kDeadline);
    ASSERT_TRUE(status.ok()) << status;
  }

  // A job that has said "ready" and waits until Go().
  struct Printing {
    int64_t pipeline = 0;
    int64_t job = 0;
    std::string go;
  };
  Printing StartPrinting(Farm& farm, const std::string& repository, int mib,
                         const std::string& name) {
    const std::string base = farm.dir() + "/" + name;
    std::string text;
    while (text.size() < kMiB) absl::StrAppend(&text, "line ", text.size(), " of a long log\n");
    text.resize(kMiB);
    EXPECT_TRUE(os::WriteFile(base + ".text", text).ok());
    Printing started;
    started.go = base + ".go";
    started.pipeline = farm.Submit(
        repository, {"--var", "READY=" + base + ".ready", "--var", "GO=" + started.go, "--var",
                     absl::StrCat("MIB=", mib), "--var", "TEXT=" + base + ".text"});
    started.job = farm.Job(started.pipeline, "print").value("id", int64_t{0});
    EXPECT_TRUE(Eventually([&] { return os::Exists(base + ".ready"); }));
    return started;
  }

  // How long it takes from now on, and the coordinator's CPU time meanwhile.
  struct Cost {
    absl::Duration time;
    double cpu_seconds = 0;
  };
  Cost Go(Farm& farm, const Printing& printing) {
    const double cpu = bench::CpuSecondsOfTree(farm.coordinator().pid());
    const absl::Time start = absl::Now();
    EXPECT_TRUE(os::WriteFile(printing.go, "").ok());
    EXPECT_EQ(farm.WaitForPipeline(printing.pipeline), "success");
    const absl::Duration took = absl::Now() - start;
    return {took, bench::CpuSecondsOfTree(farm.coordinator().pid()) - cpu};
  }

  static std::vector<std::unique_ptr<StoppedWatcher>> Watch(Farm& farm, int64_t job, int count) {
    absl::StatusOr<std::vector<std::unique_ptr<StoppedWatcher>>> watchers =
        StoppedWatcher::StartMany({Farm::Bin("grangectl"), "--config", farm.CtlConfig()}, job,
                                  count);
    EXPECT_TRUE(watchers.ok()) << watchers.status();
    if (!watchers.ok()) return {};
    return *std::move(watchers);
  }
};

TEST_F(CapacityTest, N8_AHundredAgentsThatReturnAtOnceMoveTheQueue) {
  constexpr int kAgents = 100;
  Farm farm;
  const std::string repository = farm.MakeRepository("app", NoopJobs(2 * kAgents));
  const std::unique_ptr<Swarm> swarm = MakeSwarm(farm, kAgents, OfferAnswer::kHold);
  ASSERT_NE(swarm, nullptr);
  swarm->Connect();
  const int64_t pipeline = farm.Submit(repository);
  Until(*swarm, "each runs a job", [](const SwarmCounts& c) { return c.held == kAgents; });

  farm.KillCoordinator();
  swarm->FinishHeld(0, kAgents / 2);  // while it is away
  swarm->ForgetTimes();
  farm.StartCoordinator();
  const absl::Duration ready = os::SinceBoot();
  Until(*swarm, "the queue moves",
        [](const SwarmCounts& c) { return c.first_offer_at > absl::ZeroDuration(); });
  Until(*swarm, "all are back", [](const SwarmCounts& c) { return c.open == kAgents; });

  const SwarmCounts counts = swarm->counts();
  EXPECT_LT(counts.first_offer_at - ready, absl::Seconds(30));
  const double cpu = bench::CpuSecondsOfTree(farm.coordinator().pid());
  std::printf("the queue moves after %.2f s, the last agent is back after %.2f s, CPU %.2f s\n",
              absl::ToDoubleSeconds(counts.first_offer_at - ready),
              absl::ToDoubleSeconds(counts.last_welcome_at - ready), cpu);
  swarm->SetAnswer(OfferAnswer::kRun);
  swarm->FinishHeld(0, kAgents);
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");  // no job was lost
}

TEST_F(CapacityTest, C11_HellosAndWatchersOfALargeLogFitIntoMemory) {
  constexpr int kAgents = 200, kWatchers = 40, kTraceMiB = 32;
  Farm farm;
  farm.AddAgent();
  const std::string repository = farm.MakeRepository("app", kPrintConfig);
  const Printing printing = StartPrinting(farm, repository, kTraceMiB, "large");
  const auto watchers = Watch(farm, printing.job, kWatchers);
  ASSERT_EQ(watchers.size(), size_t{kWatchers});
  const std::unique_ptr<Swarm> swarm = MakeSwarm(farm, kAgents, OfferAnswer::kDecline);
  ASSERT_NE(swarm, nullptr);

  swarm->Connect();
  Go(farm, printing);
  Until(*swarm, "all are connected", [](const SwarmCounts& c) { return c.open == kAgents; });

  const uint64_t peak = PeakOf(farm.coordinator().pid());
  std::printf("the coordinator had %.1f MiB at most\n", static_cast<double>(peak) / kMiB);
  if (kMemoryCounts) {
    EXPECT_LT(peak, 256 * kMiB);
  }
}

TEST_F(CapacityTest, C12_IsReadyInFiveSecondsWithTenThousandQueuedJobs) {
  constexpr int kPipelines = 10, kJobs = 1000;
  Farm farm;
  const std::string repository = farm.MakeRepository("app", NoopJobs(kJobs, "  tags: [nobody]\n"));
  for (int i = 0; i < kPipelines; ++i) farm.Submit(repository);

  farm.KillCoordinator();
  const absl::Time start = absl::Now();
  farm.StartCoordinator();
  const absl::Duration took = absl::Now() - start;

  std::printf("ready after %.2f s\n", absl::ToDoubleSeconds(took));
  EXPECT_LT(took, absl::Seconds(5));
  const CtlResult why = farm.Ctl({"why", absl::StrCat(kPipelines * kJobs)});
  EXPECT_EQ(why.exit_code, 0) << why.err;
  EXPECT_NE(why.out.find("is pending"), std::string::npos) << why.out;
}

TEST_F(CapacityTest, N12_AnAgentThatFloodsIsSentAwayAndOthersGoOn) {
  constexpr int kJobs = 40;
  Farm farm;
  farm.AddAgent();
  const std::string repository = farm.MakeRepository("app", NoopJobs(kJobs));
  const absl::Time alone = absl::Now();
  ASSERT_EQ(farm.WaitForPipeline(farm.Submit(repository)), "success");
  const absl::Duration alone_took = absl::Now() - alone;
  const std::unique_ptr<Swarm> flooder = MakeSwarm(farm, 1, OfferAnswer::kDecline);
  ASSERT_NE(flooder, nullptr);
  flooder->Connect();
  Until(*flooder, "it is connected", [](const SwarmCounts& c) { return c.open == 1; });

  flooder->StartFlood(0, Swarm::Flood::kMessages);
  Until(*flooder, "it is sent away", [](const SwarmCounts& c) { return c.sessions_ended == 1; });
  EXPECT_NE(farm.coordinator().Log().find("agent_floods"), std::string::npos);
  const absl::Time beside = absl::Now();
  ASSERT_EQ(farm.WaitForPipeline(farm.Submit(repository)), "success");
  const absl::Duration beside_took = absl::Now() - beside;
  Until(*flooder, "it comes back", [](const SwarmCounts& c) { return c.welcomes >= 2; });

  std::printf("%lld messages; a pipeline took %.2f s alone, %.2f s beside them\n",
              static_cast<long long>(flooder->flood_messages()), absl::ToDoubleSeconds(alone_took),
              absl::ToDoubleSeconds(beside_took));
  // The bench row has the percents.
  EXPECT_LT(beside_took, 3 * alone_took + absl::Seconds(5));
}

TEST_F(CapacityTest, N12_AnAgentThatFloodsWithItsLogHoldsNobodyUp) {
  constexpr int kJobs = 40;
  Farm farm;
  farm.AddAgent();
  const std::string repository = farm.MakeRepository("app", NoopJobs(kJobs));
  const absl::Time alone = absl::Now();
  ASSERT_EQ(farm.WaitForPipeline(farm.Submit(repository)), "success");
  const absl::Duration alone_took = absl::Now() - alone;
  const std::unique_ptr<Swarm> flooder = MakeSwarm(farm, 1, OfferAnswer::kHold);
  ASSERT_NE(flooder, nullptr);
  flooder->Connect();
  Until(*flooder, "it is connected", [](const SwarmCounts& c) { return c.open == 1; });
  const int64_t flooded = farm.Submit(farm.MakeRepository("flooded", NoopJobs(8)));
  Until(*flooder, "it runs a job", [](const SwarmCounts& c) { return c.held == 1; });

  flooder->StartFlood(0, Swarm::Flood::kTrace);
  const absl::Time beside = absl::Now();
  ASSERT_EQ(farm.WaitForPipeline(farm.Submit(repository)), "success");
  const absl::Duration beside_took = absl::Now() - beside;

  std::printf("%lld chunks; a pipeline took %.2f s alone, %.2f s beside them, %.1f MiB at most\n",
              static_cast<long long>(flooder->flood_messages()), absl::ToDoubleSeconds(alone_took),
              absl::ToDoubleSeconds(beside_took),
              static_cast<double>(PeakOf(farm.coordinator().pid())) / kMiB);
  // One queue for all would take a second and more for each job: the bench row has the percents.
  EXPECT_LT(beside_took, 3 * alone_took + absl::Seconds(5));
  flooder->FinishHeld(0, 1);
  EXPECT_EQ(farm.WaitForPipeline(flooded), "success");
}

TEST_F(CapacityTest, W1_StoppedWatchersHoldNobodyUpAndMissNothing) {
  constexpr int kWatchers = 50, kTraceMiB = 24;
  Farm farm;
  farm.AddAgent();
  const std::string repository = farm.MakeRepository("app", kPrintConfig);
  const Cost alone = Go(farm, StartPrinting(farm, repository, kTraceMiB, "alone"));

  const Printing printing = StartPrinting(farm, repository, kTraceMiB, "watched");
  auto watchers = Watch(farm, printing.job, kWatchers);
  ASSERT_EQ(watchers.size(), size_t{kWatchers});
  // They still take what their pipes and windows hold.
  ASSERT_TRUE(bench::WaitUntilIdle({farm.coordinator().pid()}).ok());
  const uint64_t before = ResidentOf(farm.coordinator().pid());
  const Cost watched = Go(farm, printing);
  const uint64_t after = ResidentOf(farm.coordinator().pid());

  std::printf("alone %.2f s with %.2f s CPU, watched %.2f s with %.2f s CPU, %.1f MiB more\n",
              absl::ToDoubleSeconds(alone.time), alone.cpu_seconds,
              absl::ToDoubleSeconds(watched.time), watched.cpu_seconds,
              (static_cast<double>(after) - static_cast<double>(before)) / kMiB);
  // A stopped reader that held up the job would do so for ever: the bench row has the 2 %.
  EXPECT_LT(watched.time, 3 * alone.time + absl::Seconds(5));
  // CPU time is hardly longer beside other work: each watcher that woke up would be seen here.
  EXPECT_LT(watched.cpu_seconds, 1.5 * alone.cpu_seconds + 0.5);
  if (kMemoryCounts) {
    EXPECT_LT(after, before + 64 * kMiB);
  }
  const absl::StatusOr<uint64_t> caught_up = watchers.front()->CatchUp(UINT64_MAX);
  ASSERT_TRUE(caught_up.ok()) << caught_up.status();
  EXPECT_GE(*caught_up, kTraceMiB * kMiB);
}

}  // namespace
}  // namespace grange::test
