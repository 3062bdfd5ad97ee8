// B2: many no-op jobs, two at a time.
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "tools/bench/farm.h"
#include "tools/bench/measure/process_table.h"
#include "tools/bench/rows.h"

namespace grange::bench {
namespace {

constexpr char kFile[] = "noops.yml";
constexpr int kJobs = 300;
constexpr int kInFlight = 2;

double PerSecond(int count, absl::Duration time) { return count / absl::ToDoubleSeconds(time); }

class ThroughputRow : public Row {
 public:
  explicit ThroughputRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(
        farm_, Farm::Start(dir_, {{"noop.yml", NoopConfig(1)}, {kFile, NoopConfig(kJobs)}}));
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    const Parts before = CpuSoFar();
    const absl::Time start = absl::Now();
    GRANGE_ASSIGN_OR_RETURN(const int64_t pipeline, farm_->Submit(kFile));
    GRANGE_RETURN_IF_ERROR(farm_->client().WaitFor(pipeline, "success"));
    const double rate = PerSecond(kJobs, absl::Now() - start);
    const Parts after = CpuSoFar();
    const auto for_each = [](double seconds) { return seconds * 1000 / kJobs; };
    return Sample{
        .values = {rate, for_each(after.coordinator - before.coordinator),
                   for_each(after.agent - before.agent), for_each(after.jobs - before.jobs)},
        .work = kJobs};
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    const absl::Time start = absl::Now();
    std::vector<absl::Status> results(kInFlight);
    std::vector<std::thread> threads;
    for (absl::Status& result : results) {
      threads.emplace_back([&result] {
        for (int i = 0; i < kJobs / kInFlight; ++i) result.Update(RunToEnd(BashTrue()));
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const absl::Status& result : results) GRANGE_RETURN_IF_ERROR(result);
    return Sample{.values = {PerSecond(kJobs, absl::Now() - start)}, .work = kJobs};
  }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  // CPU time in seconds.
  struct Parts {
    double coordinator = 0;
    double agent = 0;  // itself
    double jobs = 0;   // with their shims
  };
  Parts CpuSoFar() const {
    Parts parts{.coordinator = CpuSecondsOfTree(farm_->coordinator()),
                .agent = CpuSecondsOf(farm_->agent())};
    parts.jobs = CpuSecondsOfTree(farm_->agent()) - parts.agent;
    return parts;
  }

  const Description description_ = {.id = "B2",
                                    .title = "one pipeline of 300 no-op jobs, two slots",
                                    .floor = "`bash -c true`, two in flight",
                                    .figures = {{"jobs", "per s", {Goal::Kind::kRatioAtLeast, 0.6}},
                                                {"CPU time of the coordinator per job", "ms"},
                                                {"CPU time of the agent per job", "ms"},
                                                {"CPU time of shim and script per job", "ms"}},
                                    .work_unit = "job",
                                    .cpu_goal = {Goal::Kind::kRatioAtMost, 2}};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
};

}  // namespace

std::unique_ptr<Row> NewThroughputRow(const std::string& dir) {
  return std::make_unique<ThroughputRow>(dir);
}

}  // namespace grange::bench
