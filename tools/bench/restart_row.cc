// B10: a coordinator with a long queue is started again.
#include <signal.h>

#include <memory>
#include <string>
#include <utility>

#include "common/base/status_macros.h"
#include "tools/bench/farm.h"
#include "tools/bench/measure/process_table.h"
#include "tools/bench/rows.h"

namespace grange::bench {
namespace {

constexpr char kRunningFile[] = "running.yml";
constexpr char kQueuedFile[] = "queued.yml";
constexpr int kRunning = 200;
constexpr int kPipelines = 10;
constexpr int kJobs = 1000;  // of each
constexpr absl::Duration kTooLong = absl::Seconds(60);

class RestartRow : public Row {
 public:
  explicit RestartRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(farm_, Farm::Start(dir_ + "/farm",
                                               {{"noop.yml", NoopConfig(1)},
                                                {kRunningFile, NoopConfig(kRunning)},
                                                {kQueuedFile, NoopConfig(kJobs, "nobody")}},
                                               {.agent = false}));
    GRANGE_ASSIGN_OR_RETURN(SwarmOptions options, farm_->ForSwarm());
    options.answer = OfferAnswer::kHold;
    GRANGE_ASSIGN_OR_RETURN(const std::string token,
                            farm_->client().CreateRegistrationToken(kRunning));
    GRANGE_ASSIGN_OR_RETURN(swarm_, Swarm::Register(options, token, kRunning));
    swarm_->Connect();
    GRANGE_RETURN_IF_ERROR(farm_->Submit(kRunningFile).status());
    GRANGE_RETURN_IF_ERROR(Until("200 jobs run", [](const auto& c) { return c.held == kRunning; }));
    for (int i = 0; i < kPipelines; ++i) {
      GRANGE_RETURN_IF_ERROR(farm_->Submit(kQueuedFile).status());
    }
    return farm_->WaitUntilQuiet();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    const int64_t welcomes = swarm_->counts().welcomes;
    farm_->KillCoordinator(SIGKILL);
    GRANGE_ASSIGN_OR_RETURN(const absl::Duration took, farm_->StartCoordinatorAgain());
    GRANGE_RETURN_IF_ERROR(Until("all agents are back", [&](const auto& c) {
      return c.welcomes >= welcomes + kRunning && c.open == kRunning;
    }));
    GRANGE_RETURN_IF_ERROR(farm_->WaitUntilQuiet());
    if (swarm_->counts().held != kRunning) return absl::InternalError("a running job was lost");
    GRANGE_ASSIGN_OR_RETURN(const ProcessMemory memory, MemoryOf(farm_->coordinator()));
    return Sample{.values = {absl::ToDoubleSeconds(took),
                             static_cast<double>(memory.peak_bytes) / (1 << 20)}};
  }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  absl::Status Until(const std::string& what,
                     const std::function<bool(const SwarmCounts&)>& holds) const {
    return swarm_->WaitUntil(what, holds, kTooLong);
  }

  const Description description_ = {
      .id = "B10",
      .title = "start after kill -9 with 10,000 queued and 200 running jobs",
      .floor = "",
      .figures = {{"until it is ready", "s", {Goal::Kind::kAtMost, 2}},
                  {"its memory at most", "MiB"}},
      .work_unit = ""};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
  std::unique_ptr<Swarm> swarm_;
};

}  // namespace

std::unique_ptr<Row> NewRestartRow(const std::string& dir) {
  return std::make_unique<RestartRow>(dir);
}

}  // namespace grange::bench
