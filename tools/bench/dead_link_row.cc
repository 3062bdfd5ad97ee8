// B11: a peer that is there no more, without a word: when the other side notices.
#include <poll.h>
#include <signal.h>

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "common/base/status_macros.h"
#include "common/os/deadline.h"
#include "common/os/files.h"
#include "tools/bench/farm.h"
#include "tools/bench/rows.h"

namespace grange::bench {
namespace {

constexpr char kFile[] = "sleep.yml";
constexpr char kAgent[] = "bench";
constexpr absl::Duration kTooLong = absl::Seconds(90);
constexpr int kPollMs = 50;

class DeadLinkRow : public Row {
 public:
  explicit DeadLinkRow(std::string dir) : dir_(std::move(dir)) {}
  ~DeadLinkRow() override {
    if (farm_ == nullptr) return;
    for (const pid_t pid : farm_->processes()) kill(pid, SIGCONT);
  }

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(
        farm_, Farm::Start(dir_ + "/farm", {{"noop.yml", NoopConfig(1)},
                                            {kFile,
                                             "sleep:\n  variables: {GIT_STRATEGY: none}\n"
                                             "  script: [sleep 3600]\n"}}));
    GRANGE_RETURN_IF_ERROR(farm_->Submit(kFile).status());
    return farm_->WaitUntilQuiet();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    GRANGE_ASSIGN_OR_RETURN(const double coordinator, TimeUntilCoordinatorNotices());
    GRANGE_ASSIGN_OR_RETURN(const double agent, TimeUntilAgentNotices());
    return Sample{.values = {coordinator, agent}};
  }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  template <typename Condition>
  static absl::StatusOr<double> TimeUntil(const Condition& holds) {
    const absl::Duration start = os::SinceBoot();
    const os::Deadline deadline(kTooLong);
    while (true) {
      GRANGE_ASSIGN_OR_RETURN(const bool now, holds());
      if (now) return absl::ToDoubleSeconds(os::SinceBoot() - start);
      if (deadline.IsOver()) return absl::DeadlineExceededError("a dead peer is not noticed");
      poll(nullptr, 0, kPollMs);
    }
  }
  absl::StatusOr<bool> StatusIs(const std::string& wanted) {
    GRANGE_ASSIGN_OR_RETURN(const std::string status, farm_->client().AgentStatus(kAgent));
    return status == wanted;
  }
  absl::StatusOr<double> TimeUntilCoordinatorNotices() {
    kill(farm_->agent(), SIGSTOP);
    const absl::StatusOr<double> took = TimeUntil([this] { return StatusIs("unreachable"); });
    kill(farm_->agent(), SIGCONT);
    GRANGE_RETURN_IF_ERROR(took.status());
    GRANGE_RETURN_IF_ERROR(TimeUntil([this] { return StatusIs("online"); }).status());
    return took;
  }
  absl::StatusOr<double> TimeUntilAgentNotices() {
    GRANGE_ASSIGN_OR_RETURN(const std::string before, os::ReadFile(farm_->agent_log()));
    kill(farm_->coordinator(), SIGSTOP);
    const absl::StatusOr<double> took = TimeUntil([&]() -> absl::StatusOr<bool> {
      GRANGE_ASSIGN_OR_RETURN(const std::string log, os::ReadFile(farm_->agent_log()));
      return absl::StrContains(absl::string_view(log).substr(before.size()), "session_ended");
    });
    kill(farm_->coordinator(), SIGCONT);
    GRANGE_RETURN_IF_ERROR(took.status());
    GRANGE_RETURN_IF_ERROR(TimeUntil([this] { return StatusIs("online"); }).status());
    return took;
  }

  const Description description_ = {
      .id = "B11",
      .title = "a peer that is dead without a word (stopped by SIGSTOP), until it is noticed",
      .floor = "",
      .figures = {{"the coordinator calls its agent unreachable", "s", {Goal::Kind::kAtMost, 30.1}},
                  {"the agent ends its session", "s", {Goal::Kind::kAtMost, 30.1}}},
      .work_unit = "",
      .rounds_max = 3,
      .warm_up = false,
      .note =
          "At most 3 rounds, as each takes a minute. The time is looked at every 50 ms: the "
          "limit is 30 s and two looks. The peer's system still confirms what arrives, which a "
          "cut line does not do: neither side goes by that."};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
};

}  // namespace

std::unique_ptr<Row> NewDeadLinkRow(const std::string& dir) {
  return std::make_unique<DeadLinkRow>(dir);
}

}  // namespace grange::bench
