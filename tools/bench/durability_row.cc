// B12: what it costs that everything is durable before anybody hears of it.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "tools/bench/farm.h"
#include "tools/bench/rows.h"

namespace grange::bench {
namespace {

constexpr char kFile[] = "jobs.yml";
constexpr char kCrowdFile[] = "crowd.yml";
constexpr int kJobs = 200;
constexpr int kCrowdJobs = 1000;
constexpr int kCrowd = 50;
constexpr absl::Duration kTooLong = absl::Seconds(60);

// A farm whose coordinator commits in its own way, with a real agent of two slots and, beside it,
// a swarm that takes over when it is asked to.
struct Variant {
  std::unique_ptr<Farm> two_slots, crowded;
  std::unique_ptr<Swarm> swarm;
};

class DurabilityRow : public Row {
 public:
  explicit DurabilityRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(grouped_, Make("grouped"));
    GRANGE_ASSIGN_OR_RETURN(each_, Make("each"));
    GRANGE_ASSIGN_OR_RETURN(unsynced_, Make("unsynced"));
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    Sample sample;
    for (const Variant* variant : {&grouped_, &each_}) {
      GRANGE_ASSIGN_OR_RETURN(const double rate, Rate(*variant->two_slots, kFile, kJobs));
      sample.values.push_back(rate);
      GRANGE_ASSIGN_OR_RETURN(const double crowd, Rate(*variant->crowded, kCrowdFile, kCrowdJobs));
      sample.values.push_back(crowd);
    }
    return sample;
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    GRANGE_ASSIGN_OR_RETURN(const double rate, Rate(*unsynced_.two_slots, kFile, kJobs));
    GRANGE_ASSIGN_OR_RETURN(const double crowd, Rate(*unsynced_.crowded, kCrowdFile, kCrowdJobs));
    return Sample{.values = {rate, crowd, rate, crowd}};
  }

  std::vector<pid_t> processes() const override {
    std::vector<pid_t> pids;
    for (const Variant* variant : {&grouped_, &each_, &unsynced_}) {
      for (const Farm* farm : {variant->two_slots.get(), variant->crowded.get()}) {
        for (const pid_t pid : farm->processes()) pids.push_back(pid);
      }
    }
    return pids;
  }

 private:
  absl::StatusOr<Variant> Make(const std::string& commits) const {
    const std::vector<Farm::File> files = {{"noop.yml", NoopConfig(1)},
                                           {kFile, NoopConfig(kJobs)},
                                           {kCrowdFile, NoopConfig(kCrowdJobs)}};
    const std::vector<std::string> arguments = {"--commits", commits};
    Variant made;
    GRANGE_ASSIGN_OR_RETURN(made.two_slots, Farm::Start(dir_ + "/slots-" + commits, files,
                                                        {.coordinator_arguments = arguments}));
    GRANGE_ASSIGN_OR_RETURN(made.crowded,
                            Farm::Start(dir_ + "/crowd-" + commits, files,
                                        {.agent = false, .coordinator_arguments = arguments}));
    GRANGE_ASSIGN_OR_RETURN(SwarmOptions options, made.crowded->ForSwarm());
    options.answer = OfferAnswer::kRun;
    GRANGE_ASSIGN_OR_RETURN(const std::string token,
                            made.crowded->client().CreateRegistrationToken(kCrowd));
    GRANGE_ASSIGN_OR_RETURN(made.swarm, Swarm::Register(options, token, kCrowd));
    made.swarm->Connect();
    GRANGE_RETURN_IF_ERROR(made.swarm->WaitUntil(
        "all agents are connected", [](const SwarmCounts& c) { return c.open == kCrowd; },
        kTooLong));
    return made;
  }

  static absl::StatusOr<double> Rate(Farm& farm, const std::string& file, int jobs) {
    const absl::Time start = absl::Now();
    GRANGE_ASSIGN_OR_RETURN(const int64_t pipeline, farm.Submit(file));
    GRANGE_RETURN_IF_ERROR(farm.client().WaitFor(pipeline, "success"));
    return jobs / absl::ToDoubleSeconds(absl::Now() - start);
  }

  const Description description_ = {
      .id = "B12",
      .title = "cost of durability: pipelines of no-op jobs",
      .floor = "the same with a database that is never synced (a crash of the machine loses it)",
      .figures = {{"jobs, two slots", "per s"},
                  {"jobs, 50 agents without shims", "per s"},
                  {"jobs, two slots, no group commit", "per s"},
                  {"jobs, 50 agents without shims, no group commit", "per s"}},
      .work_unit = ""};
  const std::string dir_;
  Variant grouped_, each_, unsynced_;
};

}  // namespace

std::unique_ptr<Row> NewDurabilityRow(const std::string& dir) {
  return std::make_unique<DurabilityRow>(dir);
}

}  // namespace grange::bench
