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
constexpr int kJobs = 150;
constexpr absl::Duration kTooLong = absl::Seconds(60);

class FloodRow : public Row {
 public:
  explicit FloodRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(farm_, Farm::Start(dir_ + "/farm", {{kFile, NoopConfig(1)}}));
    GRANGE_ASSIGN_OR_RETURN(token_, farm_->client().CreateRegistrationToken(10'000));
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    GRANGE_ASSIGN_OR_RETURN(const SwarmOptions options, farm_->ForSwarm());
    GRANGE_ASSIGN_OR_RETURN(
        const std::unique_ptr<Swarm> flooder,
        Swarm::Register(options, token_, 1, absl::StrCat("flooder-", ++flooders_)));
    flooder->Connect();
    GRANGE_RETURN_IF_ERROR(flooder->WaitUntil(
        "the flooder is connected", [](const SwarmCounts& c) { return c.open == 1; }, kTooLong));
    flooder->StartFlood(0, Swarm::Flood::kMessages);
    return TimeJobs();
  }

  absl::StatusOr<Sample> MeasureFloor() override { return TimeJobs(); }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
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

  const Description description_ = {
      .id = "B15",
      .title = "no-op jobs beside an agent that floods with heartbeats and declines",
      .floor = "the same jobs without it",
      .figures = {{"p50", "ms"}, {"p99", "ms", {Goal::Kind::kRatioAtMost, 1.2}}},
      .work_unit = "job",
      .note = "The flooding agent runs on the same processors as what is measured."};
  const std::string dir_;
  std::string token_;
  int flooders_ = 0;
  std::unique_ptr<Farm> farm_;
};

}  // namespace

std::unique_ptr<Row> NewFloodRow(const std::string& dir) { return std::make_unique<FloodRow>(dir); }

}  // namespace grange::bench
