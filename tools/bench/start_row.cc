// B4: how long programs take to start.
#include <signal.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "tools/bench/program.h"
#include "tools/bench/row.h"
#include "tools/bench/statistics.h"

namespace grange::bench {
namespace {

constexpr int kStarts = 25;

absl::StatusOr<double> MedianTime(const std::vector<std::string>& argv) {
  std::vector<double> times;
  for (int i = 0; i < kStarts; ++i) {
    GRANGE_ASSIGN_OR_RETURN(const absl::Duration time, TimeToEnd(argv));
    times.push_back(absl::ToDoubleMilliseconds(time));
  }
  return Quantile(times, 0.5);
}

// Until a coordinator says that it is ready, in ms.
absl::StatusOr<double> TimeToReady(const std::string& state) {
  const absl::Time start = absl::Now();
  GRANGE_ASSIGN_OR_RETURN(Program coordinator,
                          Program::Start({BinaryPath("grange-coordinator"), "--state", state,
                                          "--listen", "127.0.0.1:0"}));
  GRANGE_RETURN_IF_ERROR(coordinator.WaitForLine("ready ").status());
  const absl::Duration time = absl::Now() - start;
  coordinator.Kill(SIGTERM);
  coordinator.Wait();
  return absl::ToDoubleMilliseconds(time);
}

class StartRow : public Row {
 public:
  explicit StartRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::StatusOr<Sample> MeasureGrange() override {
    GRANGE_ASSIGN_OR_RETURN(const double version,
                            MedianTime({BinaryPath("grangectl"), "--version"}));
    const std::string state = absl::StrCat(dir_, "/", ++states_);
    GRANGE_RETURN_IF_ERROR(os::MakeDirs(dir_));
    GRANGE_ASSIGN_OR_RETURN(const double fresh, TimeToReady(state));
    GRANGE_ASSIGN_OR_RETURN(const double again, TimeToReady(state));
    return Sample{.values = {version, fresh, again}};
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    GRANGE_ASSIGN_OR_RETURN(const double time, MedianTime({"/bin/true"}));
    return Sample{.values = {time}};
  }

 private:
  const Description description_ = {
      .id = "B4",
      .title = "starting programs",
      .floor = "`/bin/true`, start to exit",
      .figures = {{"`grangectl --version`, p50", "ms", {Goal::Kind::kFloorPlusAtMost, 4}},
                  {"coordinator ready, new state", "ms", {Goal::Kind::kAtMost, 100}},
                  {"coordinator ready, old state", "ms", {Goal::Kind::kAtMost, 100}}},
      .work_unit = ""};
  const std::string dir_;
  int states_ = 0;
};

}  // namespace

std::unique_ptr<Row> NewStartRow(const std::string& dir) { return std::make_unique<StartRow>(dir); }

}  // namespace grange::bench
