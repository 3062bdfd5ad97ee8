// B8: from a job's write to the line that `grangectl logs -f` shows.
#include <poll.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "tools/bench/farm.h"
#include "tools/bench/fifo.h"
#include "tools/bench/measure/statistics.h"
#include "tools/bench/rows.h"

namespace grange::bench {
namespace {

constexpr char kFile[] = "echo.yml";
constexpr int kSteadyLines = 20;
constexpr int kSteadyPauseMs = 100;
constexpr char kFloodFile[] = "flood.yml";
constexpr int kLinesBesideFlood = 100;
constexpr int kPauseBesideFloodMs = 20;
constexpr absl::Duration kTooLong = absl::Seconds(60);
constexpr char kFloodConfig[] =
    "flood:\n"
    "  variables: {GIT_STRATEGY: none}\n"
    "  script:\n"
    "    - echo begins > \"$BENCH_FLOOD\"\n"
    "    - (yes 'a line of a job that says too much' || true) | head -c 1G\n"
    "    - echo ends > \"$BENCH_FLOOD\"\n";
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

// A job that answers lines, and `grangectl logs -f` that shows it.
class Echo {
 public:
  static absl::StatusOr<Echo> Start(Farm& farm, const std::string& fifo_path) {
    GRANGE_ASSIGN_OR_RETURN(Fifo fifo, Fifo::Make(fifo_path));
    GRANGE_ASSIGN_OR_RETURN(const int64_t pipeline, farm.Submit(kFile, {{"BENCH_FIFO", fifo_path}}));
    GRANGE_ASSIGN_OR_RETURN(const FarmClient::Job job, farm.client().FirstJob(pipeline));
    GRANGE_ASSIGN_OR_RETURN(
        Program logs, Program::Start(farm.CtlCommand({"logs", absl::StrCat(job.id), "-f"})));
    return Echo(std::move(fifo), pipeline, std::move(logs));
  }

  Fifo& fifo() { return *fifo_; }
  Program& shown() { return shown_; }
  absl::Status End(Farm& farm) {
    fifo_.reset();  // ends the job
    return farm.client().WaitFor(pipeline_, "success");
  }

 private:
  Echo(Fifo fifo, int64_t pipeline, Program shown)
      : fifo_(std::move(fifo)), pipeline_(pipeline), shown_(std::move(shown)) {}

  std::optional<Fifo> fifo_;
  int64_t pipeline_;
  Program shown_;
};

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
    GRANGE_ASSIGN_OR_RETURN(Echo echo, Echo::Start(*farm_, dir_ + "/fifo"));
    absl::StatusOr<Sample> sample = TimeBothPaces(echo.fifo(), echo.shown());
    GRANGE_RETURN_IF_ERROR(echo.End(*farm_));
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

// The same while another job of the agent prints far more than its limit.
class FollowBesideFloodRow : public Row {
 public:
  explicit FollowBesideFloodRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(
        farm_, Farm::Start(dir_ + "/farm", {{"noop.yml", NoopConfig(1)},
                                            {kFile, EchoConfig()},
                                            {kFloodFile, kFloodConfig}}));
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    GRANGE_ASSIGN_OR_RETURN(Echo echo, Echo::Start(*farm_, dir_ + "/fifo"));
    GRANGE_RETURN_IF_ERROR(TimeOneLine(echo.fifo(), echo.shown()).status());
    GRANGE_ASSIGN_OR_RETURN(Fifo flood, Fifo::Make(dir_ + "/flood"));
    GRANGE_ASSIGN_OR_RETURN(const int64_t pipeline,
                            farm_->Submit(kFloodFile, {{"BENCH_FLOOD", flood.path()}}));
    GRANGE_RETURN_IF_ERROR(flood.ReadLine(kTooLong).status());
    std::vector<double> times;
    while (absl::IsDeadlineExceeded(flood.ReadLine(absl::ZeroDuration()).status())) {
      GRANGE_ASSIGN_OR_RETURN(const std::vector<double> some,
                              TimeLines(echo.fifo(), echo.shown(), 5, kPauseBesideFloodMs));
      times.insert(times.end(), some.begin(), some.end());
    }
    GRANGE_RETURN_IF_ERROR(farm_->client().WaitFor(pipeline, "success"));
    GRANGE_RETURN_IF_ERROR(echo.End(*farm_));
    return SampleOf(times);
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    GRANGE_RETURN_IF_ERROR(farm_->WaitUntilQuiet());  // the flood's log is being compressed
    GRANGE_ASSIGN_OR_RETURN(Echo echo, Echo::Start(*farm_, dir_ + "/fifo"));
    GRANGE_RETURN_IF_ERROR(TimeOneLine(echo.fifo(), echo.shown()).status());
    GRANGE_ASSIGN_OR_RETURN(
        const std::vector<double> times,
        TimeLines(echo.fifo(), echo.shown(), kLinesBesideFlood, kPauseBesideFloodMs));
    GRANGE_RETURN_IF_ERROR(echo.End(*farm_));
    return SampleOf(times);
  }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  static Sample SampleOf(const std::vector<double>& times) {
    return {.values = {Quantile(times, 0.5), Quantile(times, 0.99)},
            .work = static_cast<double>(times.size())};
  }

  const Description description_ = {
      .id = "B8",
      .title = "the same while another job of the agent prints 1 GiB",
      .floor = "the same job alone",
      .figures = {{"p50", "ms"}, {"p99", "ms", {Goal::Kind::kAtMost, 1000}}},
      .work_unit = "",
      .note = "The flooding job's own processes use the same two processors."};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
};

}  // namespace

std::unique_ptr<Row> NewFollowBesideFloodRow(const std::string& dir) {
  return std::make_unique<FollowBesideFloodRow>(dir);
}

std::unique_ptr<Row> NewFollowRow(const std::string& dir) {
  return std::make_unique<FollowRow>(dir);
}

}  // namespace grange::bench
