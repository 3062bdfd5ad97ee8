// grange-chaos: does a seeded sequence of faults to a farm of real processes under load, and says
// what was lost, doubled or unequal: what `make chaos` does (docs/operations.md, "Chaos").
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/chaos/chaos_farm.h"
#include "tests/chaos/client.h"
#include "tests/chaos/fault_plan.h"
#include "tests/chaos/injector.h"
#include "tests/chaos/ledger.h"
#include "tests/chaos/report.h"

namespace grange::chaos {
namespace {

// So many faults are done to one farm; then it is looked at as a whole, and the next one begins
// with an empty disk.
constexpr int kFaultsPerFarm = 150;
// A farm in whose folder something is to be seen is kept; after so many there is enough to see.
constexpr int kKeptMax = 3;

struct Settings {
  uint64_t seed = 0;
  double minutes = 0;  // 0: until the faults are used up
  int kills = 500;
  bool short_form = false;
  int clients = 4;
};

class Run {
 public:
  explicit Run(const Settings& settings)
      : settings_(settings),
        abilities_(Abilities::Find()),
        plan_(settings.seed,
              settings.short_form ? FaultCounts::Short() : FaultCounts::Long(settings.kills),
              PaceOf(settings)),
        until_(settings.minutes > 0 ? absl::Now() + absl::Minutes(settings.minutes)
                                    : absl::InfiniteFuture()) {}

  // The exit status.
  int Do() {
    const absl::Time start = absl::Now();
    std::printf("seed %llu\n", static_cast<unsigned long long>(settings_.seed));
    for (int farm = 0; !IsOver() && kept_ < kKeptMax; ++farm) DoFarm(farm);
    const Tally tally = ledger_.tally();
    std::printf("\n%s", ReportOf(tally, settings_.seed, absl::Now() - start).c_str());
    for (const std::string& finding : tally.findings) std::printf("found: %s\n", finding.c_str());
    for (const std::string& folder : tally.kept) std::printf("kept: %s\n", folder.c_str());
    std::printf("repeat: make chaos SEED=%llu%s\n", static_cast<unsigned long long>(settings_.seed),
                Repeat().c_str());
    return tally.AllWell() && !testing::Test::HasFailure() ? 0 : 1;
  }

 private:
  static FaultPlan::Pace PaceOf(const Settings& settings) {
    FaultPlan::Pace pace;
    if (settings.short_form) {
      pace.after_max = absl::Milliseconds(400);
      pace.settle_percent = 15;
      pace.short_max = absl::Milliseconds(500);
      pace.long_max = absl::Seconds(3);
      pace.long_percent = 15;
    }
    return pace;
  }

  std::string Repeat() const {
    if (settings_.short_form) return " SHORT=1";
    return absl::StrCat(" KILLS=", settings_.kills,
                        settings_.minutes > 0 ? absl::StrCat(" MINUTES=", settings_.minutes) : "");
  }

  bool IsOver() const {
    return absl::Now() >= until_ || (settings_.minutes == 0 && plan_.used_up());
  }

  void DoFarm(int number) {
    const Tally before = ledger_.tally();
    absl::StatusOr<std::unique_ptr<ChaosFarm>> started = ChaosFarm::Start(
        abilities_, settings_.short_form
                        ? ChaosFarm::Pace{.time_scale = 0.05, .reconnect_max_seconds = 0.75}
                        : ChaosFarm::Pace{});
    if (!started.ok()) {
      ledger_.NoteOther("the farm does not start: " + std::string(started.status().message()));
      ++kept_;
      return;
    }
    ChaosFarm& chaos = **started;
    Excuses excuses;
    DoFaults(chaos, excuses, number);
    const std::string left = chaos.farm().StopAndFindLeftovers();
    if (!left.empty()) ledger_.NoteOther("left after the end: " + left);
    if (ledger_.tally().findings.size() == before.findings.size()) return;
    ++kept_;
    chaos.Keep();
    ledger_.NoteKept(chaos.farm().dir());
  }

  void DoFaults(ChaosFarm& chaos, Excuses& excuses, int number) {
    const std::string starts = chaos.farm().dir() + "/starts";
    if (!os::MakeDirs(starts).ok()) return ledger_.NoteOther("no folder for the marks");
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < settings_.clients; ++i) {
      const std::string name = absl::StrCat("app", i);
      clients.push_back(std::make_unique<Client>(
          chaos.farm(), excuses, ledger_,
          Client::Options{.seed = settings_.seed + static_cast<uint64_t>(number),
                          .number = i,
                          .starts = starts,
                          .repository = chaos.farm().MakeRepository(name, ChaosPipelineFile()),
                          .job_program = test::Farm::Bin("grange-chaos-job")}));
    }
    Injector injector(chaos, abilities_, excuses, ledger_);
    for (int i = 0; i < kFaultsPerFarm && !IsOver(); ++i) injector.Do(plan_.Next());
    for (const std::unique_ptr<Client>& client : clients) client->Finish();
  }

  const Settings settings_;
  const Abilities abilities_;
  FaultPlan plan_;
  const absl::Time until_;
  Ledger ledger_;
  int kept_ = 0;
};

}  // namespace
}  // namespace grange::chaos

int main(int argc, char** argv) {
  grange::chaos::Settings settings;
  std::optional<uint64_t> seed;
  CLI::App app("Does faults to a farm under load and says what was lost.", "grange-chaos");
  app.add_option("--seed", seed, "repeats the faults of an earlier run");
  app.add_option("--minutes", settings.minutes, "ends after so long; else when all is done");
  app.add_option("--kills", settings.kills, "how often the coordinator and an agent are killed")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_flag("--short", settings.short_form, "twenty of each kill, times scaled");
  app.add_option("--clients", settings.clients, "pipelines at the same time")
      ->check(CLI::Range(1, 50))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  settings.seed = seed.has_value() ? *seed : std::random_device()();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return grange::chaos::Run(settings).Do();
}
