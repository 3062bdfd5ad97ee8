// B3: a large log, from the job's output to the coordinator's disk.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "tools/bench/farm.h"
#include "tools/bench/process_table.h"
#include "tools/bench/row.h"
#include "tools/bench/stream_floor.h"

namespace grange::bench {
namespace {

constexpr char kFile[] = "flood.yml";
constexpr uint64_t kMiB = 1 << 20;
constexpr int kTraceMiB = 200;
constexpr int kRepeats = 10;  // of a file with a part of it
constexpr size_t kLineBytes = 100;

std::string FloodConfig() {
  std::string command;
  for (int i = 0; i < kRepeats; ++i) absl::StrAppend(&command, " \"$BENCH_TEXT\"");
  return absl::StrCat("flood:\n  variables: {GIT_STRATEGY: none}\n  script:\n    - 'cat", command,
                      "'\n");
}

// Numbered lines, so that neither compression nor masking has it easier than with a real log.
std::string PartOfTrace() {
  constexpr size_t kBytes = kTraceMiB * kMiB / kRepeats;
  std::string text;
  text.reserve(kBytes + kLineBytes);
  for (uint64_t number = 0; text.size() < kBytes; ++number) {
    // Scattered, yet the same in each run.
    const uint64_t scattered = number * 0x9E3779B97F4A7C15;
    std::string line = absl::StrCat("[", number, "] compiled part ", absl::Hex(scattered),
                                    ".cc in ", scattered % 1000, " ms ");
    line.resize(kLineBytes - 1, '.');
    absl::StrAppend(&text, line, "\n");
  }
  text.resize(kBytes);
  return text;
}

double Rate(absl::Duration time) { return kTraceMiB / absl::ToDoubleSeconds(time); }

class TraceRow : public Row {
 public:
  explicit TraceRow(std::string dir) : dir_(std::move(dir)), text_(dir_ + "/text") {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(
        farm_, Farm::Start(dir_ + "/farm", {{"noop.yml", NoopConfig(1)}, {kFile, FloodConfig()}}));
    GRANGE_RETURN_IF_ERROR(os::WriteFile(text_, PartOfTrace()));
    GRANGE_RETURN_IF_ERROR(farm_->client().SetProject(farm_->commit().project, "trace-limit",
                                                      absl::StrCat(2 * kTraceMiB * kMiB)));
    GRANGE_RETURN_IF_ERROR(farm_->WaitUntilQuiet());
    GRANGE_ASSIGN_OR_RETURN(coordinator_before_, MemoryOf(farm_->coordinator()));
    GRANGE_ASSIGN_OR_RETURN(agent_before_, MemoryOf(farm_->agent()));
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    const absl::Time start = absl::Now();
    GRANGE_ASSIGN_OR_RETURN(const int64_t pipeline, farm_->Submit(kFile, {{"BENCH_TEXT", text_}}));
    GRANGE_RETURN_IF_ERROR(farm_->client().WaitFor(pipeline, "success"));
    const double rate = Rate(absl::Now() - start);
    GRANGE_ASSIGN_OR_RETURN(const FarmClient::Job job, farm_->client().FirstJob(pipeline));
    if (job.trace_bytes < kTraceMiB * kMiB || job.dropped_bytes > 0) {
      return absl::DataLossError(absl::StrCat("of ", kTraceMiB, " MiB of log the coordinator has ",
                                              job.trace_bytes, " bytes"));
    }
    // Compressing what is stored is not part of the rate, but of the CPU time.
    GRANGE_RETURN_IF_ERROR(farm_->WaitUntilQuiet());
    return Sample{.values = {rate, rate, Growth(farm_->coordinator(), coordinator_before_),
                             Growth(farm_->agent(), agent_before_)},
                  .work = kTraceMiB};
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    GRANGE_ASSIGN_OR_RETURN(
        const absl::Duration synchronous,
        TimeStream(dir_ + "/stream", ServerApi::kSynchronous, kTraceMiB * kMiB));
    GRANGE_ASSIGN_OR_RETURN(const absl::Duration callback,
                            TimeStream(dir_ + "/stream", ServerApi::kCallback, kTraceMiB * kMiB));
    return Sample{.values = {Rate(synchronous), Rate(callback)}, .work = 2 * kTraceMiB};
  }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  // Since Prepare(), at the worst moment of all rounds so far, in MiB.
  static double Growth(pid_t pid, const ProcessMemory& before) {
    const uint64_t peak = MemoryOf(pid).value_or(before).peak_bytes;
    return static_cast<double>(peak - std::min(peak, before.resident_bytes)) / kMiB;
  }

  const Description description_ = {
      .id = "B3",
      .title = "200 MiB of log, durable at the coordinator",
      .floor = "gRPC stream over TLS, 64 KiB messages, nothing stored",
      .figures = {{"rate, floor: synchronous server", "MiB/s", {Goal::Kind::kRatioAtLeast, 0.5}},
                  {"rate, floor: callback server", "MiB/s"},
                  {"growth of the coordinator", "MiB", {Goal::Kind::kAtMost, 64}},
                  {"growth of the agent", "MiB", {Goal::Kind::kAtMost, 64}}},
      .work_unit = "MiB"};
  const std::string dir_, text_;
  std::unique_ptr<Farm> farm_;
  ProcessMemory coordinator_before_, agent_before_;
};

}  // namespace

std::unique_ptr<Row> NewTraceRow(const std::string& dir) { return std::make_unique<TraceRow>(dir); }

}  // namespace grange::bench
