// B8: from a job's write to the line that `grangectl logs -f` shows.
#include <poll.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "tools/bench/farm.h"
#include "tools/bench/fifo.h"
#include "tools/bench/row.h"
#include "tools/bench/statistics.h"

namespace grange::bench {
namespace {

constexpr char kFile[] = "echo.yml";
constexpr int kSteadyLines = 20;
constexpr int kSteadyPauseMs = 100;
constexpr int kQuietLines = 5;
constexpr int kQuietPauseMs = 400;
// Each line that is read is answered with the time of the answer's write, in seconds and with
// microseconds. The C locale has a point in it.
constexpr char kScript[] =
    "LC_ALL=C; while read -r line; do echo \"at $EPOCHREALTIME\"; done < \"$BENCH_FIFO\"";

std::string EchoConfig() {
  return absl::StrCat("echo:\n  variables: {GIT_STRATEGY: none}\n  script:\n    - '", kScript,
                      "'\n");
}

// Asks for one line and returns how long it took from its write until `shown` had it.
absl::StatusOr<double> TimeOneLine(Fifo& fifo, Program& shown) {
  GRANGE_RETURN_IF_ERROR(fifo.WriteLine("go"));
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const std::string text, shown.WaitForLine("at "));
    const absl::Time seen = absl::Now();
    double written = 0;  // else it is the echo of the script
    if (!absl::SimpleAtod(text, &written)) continue;
    return absl::ToDoubleMilliseconds(seen - absl::UnixEpoch()) - written * 1000;
  }
}

absl::StatusOr<std::vector<double>> TimeLines(Fifo& fifo, Program& shown, int count, int pause_ms) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    // Not in step with any timer of the farm.
    poll(nullptr, 0, pause_ms + i * 37 % pause_ms / 2);
    GRANGE_ASSIGN_OR_RETURN(const double time, TimeOneLine(fifo, shown));
    times.push_back(time);
  }
  return times;
}

absl::StatusOr<Sample> TimeBothPaces(Fifo& fifo, Program& shown) {
  GRANGE_RETURN_IF_ERROR(TimeOneLine(fifo, shown).status());  // both ends are open now
  GRANGE_ASSIGN_OR_RETURN(const std::vector<double> steady,
                          TimeLines(fifo, shown, kSteadyLines, kSteadyPauseMs));
  GRANGE_ASSIGN_OR_RETURN(const std::vector<double> quiet,
                          TimeLines(fifo, shown, kQuietLines, kQuietPauseMs));
  return Sample{.values = {Quantile(steady, 0.5), Quantile(steady, 0.95), Quantile(quiet, 0.5)},
                .work = kSteadyLines + kQuietLines};
}

class FollowRow : public Row {
 public:
  explicit FollowRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(
        farm_, Farm::Start(dir_ + "/farm", {{"noop.yml", NoopConfig(1)}, {kFile, EchoConfig()}}));
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    std::optional<Fifo> fifo;
    GRANGE_ASSIGN_OR_RETURN(fifo, Fifo::Make(dir_ + "/fifo"));
    GRANGE_ASSIGN_OR_RETURN(const int64_t pipeline,
                            farm_->Submit(kFile, {{"BENCH_FIFO", fifo->path()}}));
    GRANGE_ASSIGN_OR_RETURN(const FarmClient::Job job, farm_->client().FirstJob(pipeline));
    GRANGE_ASSIGN_OR_RETURN(
        Program logs, Program::Start(farm_->CtlCommand({"logs", absl::StrCat(job.id), "-f"})));
    absl::StatusOr<Sample> sample = TimeBothPaces(*fifo, logs);
    fifo.reset();  // ends the job
    GRANGE_RETURN_IF_ERROR(farm_->client().WaitFor(pipeline, "success"));
    return sample;
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    GRANGE_ASSIGN_OR_RETURN(Fifo fifo, Fifo::Make(dir_ + "/fifo"));
    GRANGE_ASSIGN_OR_RETURN(
        Program shell,
        Program::Start({"bash", "-c", absl::StrCat("BENCH_FIFO='", fifo.path(), "'\n", kScript)}));
    return TimeBothPaces(fifo, shell);
  }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  const Description description_ = {
      .id = "B8",
      .title = "a job's line, from its write until `grangectl logs -f` shows it",
      .floor = "the same loop on a pipe",
      .figures = {{"p50, ten lines a second", "ms", {Goal::Kind::kAtMost, 20}},
                  {"p95, ten lines a second", "ms"},
                  {"p50 after 0.4 s of silence", "ms", {Goal::Kind::kAtMost, 20}}},
      .work_unit = "line"};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
};

}  // namespace

std::unique_ptr<Row> NewFollowRow(const std::string& dir) {
  return std::make_unique<FollowRow>(dir);
}

}  // namespace grange::bench
