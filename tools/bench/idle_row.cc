// B4: what a farm without work takes.
#include <poll.h>

#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "tools/bench/farm.h"
#include "tools/bench/process_table.h"
#include "tools/bench/row.h"

namespace grange::bench {
namespace {

constexpr int kWindowMs = 5000;

double ToMiB(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

class IdleRow : public Row {
 public:
  explicit IdleRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(farm_, Farm::Start(dir_, {{"noop.yml", NoopConfig(1)}}));
    return farm_->WaitUntilQuiet();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    const absl::Time start = absl::Now();
    GRANGE_ASSIGN_OR_RETURN(const uint64_t coordinator, ContextSwitchesOf(farm_->coordinator()));
    GRANGE_ASSIGN_OR_RETURN(const uint64_t agent, ContextSwitchesOf(farm_->agent()));
    poll(nullptr, 0, kWindowMs);
    GRANGE_ASSIGN_OR_RETURN(const uint64_t coordinator_later,
                            ContextSwitchesOf(farm_->coordinator()));
    GRANGE_ASSIGN_OR_RETURN(const uint64_t agent_later, ContextSwitchesOf(farm_->agent()));
    const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
    GRANGE_ASSIGN_OR_RETURN(const ProcessMemory of_coordinator, MemoryOf(farm_->coordinator()));
    GRANGE_ASSIGN_OR_RETURN(const ProcessMemory of_agent, MemoryOf(farm_->agent()));
    return Sample{
        .values = {ToMiB(of_coordinator.resident_bytes), ToMiB(of_coordinator.anonymous_bytes),
                   ToMiB(of_agent.resident_bytes), ToMiB(of_agent.anonymous_bytes),
                   static_cast<double>(coordinator_later - coordinator) / seconds,
                   static_cast<double>(agent_later - agent) / seconds},
        .work = seconds};
  }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  const Description description_ = {
      .id = "B4",
      .title = "idle, one agent connected",
      .floor = "",
      .figures = {{"coordinator, resident", "MiB", {Goal::Kind::kAtMost, 32}},
                  {"coordinator, anonymous", "MiB"},
                  {"agent, resident", "MiB", {Goal::Kind::kAtMost, 20}},
                  {"agent, anonymous", "MiB", {Goal::Kind::kAtMost, 6}},
                  {"coordinator, wake-ups of all threads", "per s", {Goal::Kind::kAtMost, 2}},
                  {"agent, wake-ups of all threads", "per s", {Goal::Kind::kAtMost, 2}}},
      .work_unit = ""};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
};

}  // namespace

std::unique_ptr<Row> NewIdleRow(const std::string& dir) { return std::make_unique<IdleRow>(dir); }

}  // namespace grange::bench
