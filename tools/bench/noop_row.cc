// B1: one no-op job after the other.
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "tools/bench/farm.h"
#include "tools/bench/row.h"
#include "tools/bench/statistics.h"

namespace grange::bench {
namespace {

constexpr char kFile[] = "noop.yml";
constexpr int kJobs = 50;
constexpr int kCommands = 15;

absl::StatusOr<Sample> TimeBash(int count) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    GRANGE_ASSIGN_OR_RETURN(const absl::Duration time, TimeToEnd(BashTrue()));
    times.push_back(absl::ToDoubleMilliseconds(time));
  }
  return Sample{.values = {Quantile(times, 0.5), Quantile(times, 0.95)},
                .work = static_cast<double>(count)};
}

class NoopRow : public Row {
 public:
  explicit NoopRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(farm_, Farm::Start(dir_, {{kFile, NoopConfig(1)}}));
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    std::vector<double> times;
    for (int i = 0; i < kJobs; ++i) {
      const absl::Time start = absl::Now();
      GRANGE_ASSIGN_OR_RETURN(const int64_t pipeline, farm_->Submit(kFile));
      GRANGE_RETURN_IF_ERROR(farm_->client().WaitFor(pipeline, "success"));
      times.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
    }
    const double p50 = Quantile(times, 0.5);
    const double p95 = Quantile(times, 0.95);
    return Sample{.values = {p50, p95, p95 / p50}, .work = kJobs};
  }

  absl::StatusOr<Sample> MeasureFloor() override { return TimeBash(kJobs); }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  const Description description_ = {.id = "B1",
                                    .title = "no-op job on a connected client, submit to finished",
                                    .floor = "`bash -c true`, one at a time",
                                    .figures = {{"p50", "ms", {Goal::Kind::kFloorPlusAtMost, 8}},
                                                {"p95", "ms"},
                                                {"p95 by p50", "", {Goal::Kind::kAtMost, 2}}},
                                    .work_unit = "job"};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
};

class NoopCommandRow : public Row {
 public:
  explicit NoopCommandRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(farm_, Farm::Start(dir_, {{kFile, NoopConfig(1)}}));
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    const std::vector<std::string> command =
        farm_->CtlCommand({"submit", farm_->repository(), "--file", kFile, "--watch"});
    std::vector<double> times;
    for (int i = 0; i < kCommands; ++i) {
      GRANGE_ASSIGN_OR_RETURN(const absl::Duration time, TimeToEnd(command));
      times.push_back(absl::ToDoubleMilliseconds(time));
    }
    return Sample{.values = {Quantile(times, 0.5), Quantile(times, 0.95)}, .work = kCommands};
  }

  absl::StatusOr<Sample> MeasureFloor() override { return TimeBash(kCommands); }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  const Description description_ = {.id = "B1",
                                    .title = "no-op job through a fresh `grangectl submit --watch`",
                                    .floor = "`bash -c true`, one at a time",
                                    .figures = {{"p50", "ms"}, {"p95", "ms"}},
                                    .work_unit = "job"};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
};

}  // namespace

std::unique_ptr<Row> NewNoopRow(const std::string& dir) { return std::make_unique<NoopRow>(dir); }

std::unique_ptr<Row> NewNoopCommandRow(const std::string& dir) {
  return std::make_unique<NoopCommandRow>(dir);
}

}  // namespace grange::bench
