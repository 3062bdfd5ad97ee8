// B16: what the coordinator's memory grows to when everybody comes at once.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
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
constexpr int kAgents = 1000;
constexpr int kWatchers = 200;
constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kTraceMiB = 1000;
constexpr absl::Duration kTooLong = absl::Seconds(60);
constexpr char kConfig[] =
    "print:\n"
    "  variables: {GIT_STRATEGY: none}\n"
    "  script:\n"
    "    - cat \"$BENCH_TEXT\"; echo ready > \"$BENCH_READY\"; read -r go < \"$BENCH_GO\"\n"
    "    - for ((i = 0; i < 1000; i++)); do cat \"$BENCH_TEXT\"; done\n";

class MemoryRow : public Row {
 public:
  explicit MemoryRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(
        farm_, Farm::Start(dir_ + "/farm", {{"noop.yml", NoopConfig(1)}, {kFile, kConfig}}));
    std::string text;
    while (text.size() < kMiB) absl::StrAppend(&text, "line ", text.size(), " of a long log\n");
    text.resize(kMiB);
    GRANGE_RETURN_IF_ERROR(os::WriteFile(dir_ + "/text", text));
    GRANGE_RETURN_IF_ERROR(farm_->client().SetProject(farm_->commit().project, "trace-limit",
                                                      absl::StrCat(2 * kTraceMiB * kMiB)));
    GRANGE_ASSIGN_OR_RETURN(const SwarmOptions options, farm_->ForSwarm());
    GRANGE_ASSIGN_OR_RETURN(const std::string token,
                            farm_->client().CreateRegistrationToken(kAgents));
    GRANGE_ASSIGN_OR_RETURN(swarm_, Swarm::Register(options, token, kAgents));
    return farm_->WaitUntilQuiet();
  }

  // The watchers see the beginning and stop; then the log grows, and all agents connect.
  absl::StatusOr<Sample> MeasureGrange() override {
    GRANGE_ASSIGN_OR_RETURN(Fifo ready, Fifo::Make(dir_ + "/ready"));
    GRANGE_ASSIGN_OR_RETURN(Fifo go, Fifo::Make(dir_ + "/go"));
    GRANGE_ASSIGN_OR_RETURN(const int64_t pipeline,
                            farm_->Submit(kFile, {{"BENCH_READY", ready.path()},
                                                  {"BENCH_GO", go.path()},
                                                  {"BENCH_TEXT", dir_ + "/text"}}));
    GRANGE_ASSIGN_OR_RETURN(const FarmClient::Job job, farm_->client().FirstJob(pipeline));
    GRANGE_RETURN_IF_ERROR(ready.ReadLine(kTooLong).status());
    GRANGE_ASSIGN_OR_RETURN(std::vector<std::unique_ptr<StoppedWatcher>> watchers,
                            StoppedWatcher::StartMany(farm_->CtlCommand({}), job.id, kWatchers));
    GRANGE_RETURN_IF_ERROR(go.WriteLine("go"));
    swarm_->Connect();
    GRANGE_RETURN_IF_ERROR(swarm_->WaitUntil(
        "all agents are connected", [](const SwarmCounts& c) { return c.open == kAgents; },
        kTooLong));
    GRANGE_RETURN_IF_ERROR(farm_->client().WaitFor(pipeline, "success"));
    GRANGE_ASSIGN_OR_RETURN(const ProcessMemory memory, MemoryOf(farm_->coordinator()));
    swarm_->Disconnect();
    watchers.clear();
    return Sample{.values = {static_cast<double>(memory.peak_bytes) / kMiB}};
  }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  const Description description_ = {
      .id = "B16",
      .title = "1,000 agents say hello while 200 stopped watchers follow a log of 1,000 MiB",
      .floor = "",
      .figures = {{"memory of the coordinator at most", "MiB", {Goal::Kind::kAtMost, 512}}},
      .work_unit = "",
      .rounds_max = 3,
      .warm_up = false,
      .note =
          "At most 3 rounds, of which the first has the peak: it is that since the "
          "coordinator's start."};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
  std::unique_ptr<Swarm> swarm_;
};

}  // namespace

std::unique_ptr<Row> NewMemoryRow(const std::string& dir) {
  return std::make_unique<MemoryRow>(dir);
}

}  // namespace grange::bench
