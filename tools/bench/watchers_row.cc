// B14: people who watch a log and have stopped reading.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "tools/bench/farm.h"
#include "tools/bench/fifo.h"
#include "tools/bench/measure/process_table.h"
#include "tools/bench/rows.h"
#include "tools/bench/swarm/stopped_watcher.h"

namespace grange::bench {
namespace {

constexpr char kFile[] = "print.yml";
constexpr int kWatchers = 50;
constexpr absl::Duration kStartTimeout = absl::Seconds(30);
constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kTraceMiB = 100;
// The watchers' pipes and windows are full before the time begins: gRPC's grow to 16 MiB here.
constexpr char kConfig[] =
    "print:\n"
    "  variables: {GIT_STRATEGY: none}\n"
    "  script:\n"
    "    - for ((i = 0; i < 24; i++)); do cat \"$BENCH_TEXT\"; done; echo ready > \"$BENCH_READY\"; read -r go < \"$BENCH_GO\"\n"
    "    - for ((i = 0; i < 100; i++)); do cat \"$BENCH_TEXT\"; done\n";

// 1 MiB of lines.
std::string Text() {
  std::string text;
  while (text.size() < kMiB) {
    absl::StrAppend(&text, "line ", text.size(), " of a log that many watch and nobody reads\n");
  }
  text.resize(kMiB);
  return text;
}

class WatchersRow : public Row {
 public:
  explicit WatchersRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(
        farm_, Farm::Start(dir_ + "/farm", {{"noop.yml", NoopConfig(1)}, {kFile, kConfig}}));
    GRANGE_RETURN_IF_ERROR(os::WriteFile(dir_ + "/text", Text()));
    return farm_->client().SetProject(farm_->commit().project, "trace-limit",
                                      absl::StrCat(2 * kTraceMiB * kMiB));
  }

  absl::StatusOr<Sample> MeasureGrange() override { return Measure(kWatchers); }
  absl::StatusOr<Sample> MeasureFloor() override { return Measure(0); }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  absl::StatusOr<Sample> Measure(int watchers) {
    GRANGE_ASSIGN_OR_RETURN(Fifo ready, Fifo::Make(dir_ + "/ready"));
    GRANGE_ASSIGN_OR_RETURN(Fifo go, Fifo::Make(dir_ + "/go"));
    GRANGE_ASSIGN_OR_RETURN(const int64_t pipeline,
                            farm_->Submit(kFile, {{"BENCH_READY", ready.path()},
                                                  {"BENCH_GO", go.path()},
                                                  {"BENCH_TEXT", dir_ + "/text"}}));
    GRANGE_ASSIGN_OR_RETURN(const FarmClient::Job job, farm_->client().FirstJob(pipeline));
    GRANGE_RETURN_IF_ERROR(ready.ReadLine(kStartTimeout).status());
    GRANGE_ASSIGN_OR_RETURN(std::vector<std::unique_ptr<StoppedWatcher>> stopped,
                            StoppedWatcher::StartMany(farm_->CtlCommand({}), job.id, watchers));
    GRANGE_RETURN_IF_ERROR(farm_->WaitUntilQuiet());
    GRANGE_ASSIGN_OR_RETURN(const ProcessMemory before, MemoryOf(farm_->coordinator()));
    const double cpu_before = CpuSecondsOfTree(farm_->coordinator());
    const absl::Time start = absl::Now();
    GRANGE_RETURN_IF_ERROR(go.WriteLine("go"));
    GRANGE_RETURN_IF_ERROR(farm_->client().WaitFor(pipeline, "success"));
    const absl::Duration took = absl::Now() - start;
    const double cpu = CpuSecondsOfTree(farm_->coordinator()) - cpu_before;
    GRANGE_ASSIGN_OR_RETURN(const ProcessMemory after, MemoryOf(farm_->coordinator()));
    const uint64_t grown =
        after.resident_bytes - std::min(after.resident_bytes, before.resident_bytes);
    stopped.clear();
    GRANGE_RETURN_IF_ERROR(farm_->WaitUntilQuiet());  // what is stored is being compressed
    return Sample{.values = {absl::ToDoubleSeconds(took), cpu, static_cast<double>(grown) / kMiB},
                  .work = 1};
  }

  const Description description_ = {
      .id = "B14",
      .title = "a job that prints 100 MiB, watched by 50 `logs -f` that have stopped reading",
      .floor = "the same job, watched by nobody",
      .figures = {{"the job's time from its first byte", "s", {Goal::Kind::kRatioAtMost, 1.02}},
                  {"CPU time of the coordinator meanwhile", "s"},
                  {"growth of the coordinator meanwhile", "MiB", {Goal::Kind::kAtMost, 64}}},
      .work_unit = "job"};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
};

}  // namespace

std::unique_ptr<Row> NewWatchersRow(const std::string& dir) {
  return std::make_unique<WatchersRow>(dir);
}

}  // namespace grange::bench
