// B15: one agent sends as fast as it can; what others feel of it.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "tools/bench/farm.h"
#include "tools/bench/measure/statistics.h"
#include "tools/bench/rows.h"

namespace grange::bench {
namespace {

constexpr char kFile[] = "noop.yml";
// As many jobs at once as the farm's agent has slots, and one for the flooder.
constexpr char kThreeFile[] = "three.yml";
constexpr int kTries = 20;
constexpr int kJobs = 500;
constexpr absl::Duration kTooLong = absl::Seconds(60);

class FloodRow : public Row {
 public:
  FloodRow(std::string dir, Swarm::Flood flood, std::string title)
      : dir_(std::move(dir)), flood_(flood) {
    description_.title = std::move(title);
  }

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(
        farm_, Farm::Start(dir_ + "/farm", {{kFile, NoopConfig(1)}, {kThreeFile, NoopConfig(3)}}));
    GRANGE_ASSIGN_OR_RETURN(token_, farm_->client().CreateRegistrationToken(10'000));
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    GRANGE_ASSIGN_OR_RETURN(SwarmOptions options, farm_->ForSwarm());
    if (flood_ == Swarm::Flood::kTrace) options.answer = OfferAnswer::kHold;
    GRANGE_ASSIGN_OR_RETURN(
        const std::unique_ptr<Swarm> flooder,
        Swarm::Register(options, token_, 1, absl::StrCat("flooder-", ++flooders_)));
    flooder->Connect();
    GRANGE_RETURN_IF_ERROR(flooder->WaitUntil(
        "the flooder is connected", [](const SwarmCounts& c) { return c.open == 1; }, kTooLong));
    if (flood_ == Swarm::Flood::kTrace) GRANGE_RETURN_IF_ERROR(GiveJobTo(*flooder));
    flooder->StartFlood(0, flood_);
    GRANGE_ASSIGN_OR_RETURN(const Sample sample, TimeJobs());
    if (flood_ == Swarm::Flood::kTrace) {
      flooder->FinishHeld(0, 1);
      GRANGE_RETURN_IF_ERROR(flooder->WaitUntil(
          "the flooder's job has ended", [](const SwarmCounts& c) { return c.forgotten > 0; },
          kTooLong));
    }
    return sample;
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    GRANGE_RETURN_IF_ERROR(farm_->WaitUntilQuiet());  // what a flood left is being compressed
    return TimeJobs();
  }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  // One that it runs for as long as it floods.
  absl::Status GiveJobTo(Swarm& flooder) {
    absl::Status held;
    for (int i = 0; i < kTries; ++i) {
      GRANGE_RETURN_IF_ERROR(farm_->Submit(kThreeFile).status());
      held = flooder.WaitUntil(
          "the flooder has a job", [](const SwarmCounts& c) { return c.held == 1; },
          absl::Seconds(1));
      if (held.ok()) break;
    }
    return held;
  }

  absl::StatusOr<Sample> TimeJobs() {
    std::vector<double> times;
    for (int i = 0; i < kJobs; ++i) {
      const absl::Time start = absl::Now();
      GRANGE_ASSIGN_OR_RETURN(const int64_t pipeline, farm_->Submit(kFile));
      GRANGE_RETURN_IF_ERROR(farm_->client().WaitFor(pipeline, "success"));
      times.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
    }
    return Sample{.values = {Quantile(times, 0.5), Quantile(times, 0.99)}, .work = kJobs};
  }

  Description description_ = {
      .id = "B15",
      .title = "",
      .floor = "the same jobs without it",
      .figures = {{"p50", "ms"}, {"p99", "ms", {Goal::Kind::kRatioAtMost, 1.2}}},
      .work_unit = "job",
      .note = "The flooding agent runs on the same processors as what is measured."};
  const std::string dir_;
  const Swarm::Flood flood_;
  std::string token_;
  int flooders_ = 0;
  std::unique_ptr<Farm> farm_;
};

}  // namespace

std::unique_ptr<Row> NewFloodRow(const std::string& dir) {
  return std::make_unique<FloodRow>(
      dir, Swarm::Flood::kMessages,
      "no-op jobs beside an agent that floods with heartbeats and declines");
}

std::unique_ptr<Row> NewLogFloodRow(const std::string& dir) {
  return std::make_unique<FloodRow>(dir, Swarm::Flood::kTrace,
                                    "no-op jobs beside an agent that floods with its log");
}

}  // namespace grange::bench
