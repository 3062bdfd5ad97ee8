// B9: the coordinator dies, and 500 agents with their jobs come back to its successor.
#include <signal.h>

#include <memory>
#include <string>
#include <utility>

#include "common/base/status_macros.h"
#include "common/os/deadline.h"
#include "tools/bench/farm.h"
#include "tools/bench/measure/process_table.h"
#include "tools/bench/rows.h"

namespace grange::bench {
namespace {

constexpr char kFile[] = "jobs.yml";
constexpr int kAgents = 500;
constexpr absl::Duration kTooLong = absl::Seconds(60);

class ComebackRow : public Row {
 public:
  explicit ComebackRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(
        farm_,
        Farm::Start(dir_ + "/farm", {{"noop.yml", NoopConfig(1)}, {kFile, NoopConfig(kAgents)}},
                    {.agent = false}));
    GRANGE_ASSIGN_OR_RETURN(const SwarmOptions options, farm_->ForSwarm());
    GRANGE_ASSIGN_OR_RETURN(const std::string token,
                            farm_->client().CreateRegistrationToken(kAgents));
    GRANGE_ASSIGN_OR_RETURN(swarm_, Swarm::Register(options, token, kAgents));
    swarm_->Connect();
    return Until("all agents are connected",
                 [](const SwarmCounts& c) { return c.open == kAgents; });
  }

  // Each agent runs a job, as many jobs wait. While the coordinator is away half of the jobs end.
  absl::StatusOr<Sample> MeasureGrange() override {
    swarm_->SetAnswer(OfferAnswer::kHold);
    GRANGE_ASSIGN_OR_RETURN(const int64_t running, farm_->Submit(kFile));
    GRANGE_RETURN_IF_ERROR(
        Until("each agent runs a job", [](const SwarmCounts& c) { return c.held == kAgents; }));
    GRANGE_ASSIGN_OR_RETURN(const int64_t waiting, farm_->Submit(kFile));
    GRANGE_RETURN_IF_ERROR(farm_->WaitUntilQuiet());
    const int64_t welcomes = swarm_->counts().welcomes;
    farm_->KillCoordinator(SIGKILL);
    swarm_->FinishHeld(0, kAgents / 2);
    swarm_->ForgetTimes();
    GRANGE_RETURN_IF_ERROR(farm_->StartCoordinatorAgain().status());
    const absl::Duration ready = os::SinceBoot();
    GRANGE_RETURN_IF_ERROR(Until("the queue moves", [](const SwarmCounts& c) {
      return c.first_offer_at > absl::ZeroDuration();
    }));
    GRANGE_RETURN_IF_ERROR(Until("all agents are back", [&](const SwarmCounts& c) {
      return c.welcomes >= welcomes + kAgents && c.open == kAgents;
    }));
    const double cpu = CpuSecondsOfTree(farm_->coordinator());
    const SwarmCounts counts = swarm_->counts();
    swarm_->SetAnswer(OfferAnswer::kRun);
    swarm_->FinishHeld(0, kAgents);
    GRANGE_RETURN_IF_ERROR(farm_->client().WaitFor(running, "success"));
    GRANGE_RETURN_IF_ERROR(farm_->client().WaitFor(waiting, "success"));
    return Sample{.values = {absl::ToDoubleSeconds(counts.first_offer_at - ready),
                             absl::ToDoubleSeconds(counts.last_welcome_at - ready),
                             cpu * 1000 / kAgents}};
  }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  absl::Status Until(const std::string& what,
                     const std::function<bool(const SwarmCounts&)>& holds) const {
    return swarm_->WaitUntil(what, holds, kTooLong);
  }

  const Description description_ = {
      .id = "B9",
      .title = "500 agents come back after kill -9 of the coordinator, each with a running job",
      .floor = "",
      .figures = {{"ready until a waiting job is offered", "s", {Goal::Kind::kAtMost, 5}},
                  {"ready until the last agent is back", "s"},
                  {"CPU time of the coordinator for each, its start included", "ms"}},
      .work_unit = "",
      .note =
          "Agents try again at a random moment within half a second, the next time within one, "
          "and so on: most of the time is theirs."};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
  std::unique_ptr<Swarm> swarm_;
};

}  // namespace

std::unique_ptr<Row> NewComebackRow(const std::string& dir) {
  return std::make_unique<ComebackRow>(dir);
}

}  // namespace grange::bench
