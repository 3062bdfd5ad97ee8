// B6: a thousand connected agents that do nothing.
#include <signal.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/deadline.h"
#include "common/os/files.h"
#include "common/rpc/credentials.h"
#include "tools/bench/farm.h"
#include "tools/bench/measure/process_table.h"
#include "tools/bench/rows.h"

namespace grange::bench {
namespace {

constexpr int kAgents = 1000;
constexpr absl::Duration kConnectMax = absl::Seconds(60);

class CrowdRow : public Row {
 public:
  explicit CrowdRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(
        farm_, Farm::Start(dir_ + "/farm", {{"noop.yml", NoopConfig(1)}}, {.agent = false}));
    GRANGE_ASSIGN_OR_RETURN(const SwarmOptions options, farm_->ForSwarm());
    GRANGE_ASSIGN_OR_RETURN(const std::string token,
                            farm_->client().CreateRegistrationToken(kAgents));
    GRANGE_ASSIGN_OR_RETURN(swarm_, Swarm::Register(options, token, kAgents));
    farm_->KillCoordinator(SIGTERM);
    GRANGE_ASSIGN_OR_RETURN(plain_,
                            Farm::Start(dir_ + "/plain", {{"noop.yml", NoopConfig(1)}},
                                        {.agent = false, .coordinator_arguments = {"--insecure"}}));
    GRANGE_ASSIGN_OR_RETURN(const SwarmOptions plain, plain_->ForSwarm());
    GRANGE_ASSIGN_OR_RETURN(const std::string plain_token,
                            plain_->client().CreateRegistrationToken(kAgents));
    GRANGE_ASSIGN_OR_RETURN(plain_swarm_, Swarm::Register(plain, plain_token, kAgents));
    plain_->KillCoordinator(SIGTERM);
    return os::MakeDirs(dir_ + "/bare");
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    GRANGE_ASSIGN_OR_RETURN(Sample sample, MeasureFarm(*farm_, *swarm_));
    GRANGE_ASSIGN_OR_RETURN(const Sample plain, MeasureFarm(*plain_, *plain_swarm_));
    sample.values.push_back(plain.values[kMemory]);
    sample.work += plain.work;
    return sample;
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    const std::string dir = dir_ + "/bare";
    GRANGE_ASSIGN_OR_RETURN(Program hub, Program::Start({"/proc/self/exe", "--stream-server",
                                                         "bare", "--stream-server-dir", dir}));
    GRANGE_ASSIGN_OR_RETURN(const std::string port, hub.WaitForLine("ready "));
    SwarmOptions options;
    options.address = absl::StrCat("127.0.0.1:", port);
    GRANGE_ASSIGN_OR_RETURN(options.ca_pem, os::ReadFile(dir + "/ca.pem"));
    options.trace_streams = false;
    const std::unique_ptr<Swarm> swarm = Swarm::Unregistered(options, kAgents);
    absl::StatusOr<Sample> sample =
        Measure(*swarm, hub.pid(), [&hub] { kill(hub.pid(), SIGUSR1); });
    swarm->Disconnect();
    return sample;
  }

  std::vector<pid_t> processes() const override {
    std::vector<pid_t> pids = farm_->processes();
    for (const pid_t pid : plain_->processes()) pids.push_back(pid);
    return pids;
  }

 private:
  static constexpr size_t kMemory = 1;  // of the figures

  static absl::StatusOr<Sample> MeasureFarm(Farm& farm, Swarm& swarm) {
    GRANGE_RETURN_IF_ERROR(farm.StartCoordinatorAgain().status());
    const absl::StatusOr<Sample> sample =
        Measure(swarm, farm.coordinator(), [&farm] { kill(farm.coordinator(), SIGTERM); });
    farm.WaitForCoordinatorsEnd();
    swarm.Disconnect();
    return sample;
  }
  // Connects all, then `tell` makes the server send one message to all.
  static absl::StatusOr<Sample> Measure(Swarm& swarm, pid_t server,
                                        const std::function<void()>& tell) {
    GRANGE_ASSIGN_OR_RETURN(const ProcessMemory before, MemoryOf(server));
    const int64_t welcomes = swarm.counts().welcomes;
    const int64_t told = swarm.counts().going_downs;
    const absl::Duration start = os::SinceBoot();
    swarm.Connect();
    GRANGE_RETURN_IF_ERROR(swarm.WaitUntil(
        "all agents are connected",
        [&](const SwarmCounts& counts) { return counts.welcomes >= welcomes + kAgents; },
        kConnectMax));
    const absl::Duration connecting = swarm.counts().last_welcome_at - start;
    GRANGE_RETURN_IF_ERROR(WaitUntilIdle({server}));
    GRANGE_ASSIGN_OR_RETURN(const ProcessMemory after, MemoryOf(server));
    const absl::Duration telling = os::SinceBoot();
    tell();
    GRANGE_RETURN_IF_ERROR(swarm.WaitUntil(
        "all agents were told",
        [&](const SwarmCounts& counts) { return counts.going_downs >= told + kAgents; },
        kConnectMax));
    const double kib =
        (static_cast<double>(after.resident_bytes) - static_cast<double>(before.resident_bytes)) /
        1024 / kAgents;
    return Sample{
        .values = {kAgents / absl::ToDoubleSeconds(connecting), kib,
                   absl::ToDoubleMilliseconds(swarm.counts().last_going_down_at - telling)},
        .work = kAgents};
  }

  const Description description_ = {
      .id = "B6",
      .title = "1,000 connected agents that do nothing",
      .floor = "a plain gRPC server over TLS with one stream for each, which answers a hello",
      .figures = {{"connects, each with a hello that is stored",
                   "per s",
                   {Goal::Kind::kRatioAtLeast, 0.5}},
                  {"growth of the coordinator for each", "KiB", {Goal::Kind::kRatioAtMost, 1.5}},
                  {"one message to all (\"going down\"), until the last has it",
                   "ms",
                   {Goal::Kind::kRatioAtMost, 1.5}},
                  {"growth of the coordinator for each without TLS",
                   "KiB",
                   {Goal::Kind::kAtMost, 54}}},
      .work_unit = "agent",
      .note =
          "54 KiB is the goal without TLS: gRPC keeps 66 KiB for each connection with it (two "
          "buffers of 17 KiB between OpenSSL and the socket, one of 16 KiB for a frame, two of "
          "8 KiB)."};
  const std::string dir_;
  std::unique_ptr<Farm> farm_, plain_;
  std::unique_ptr<Swarm> swarm_, plain_swarm_;
};

}  // namespace

std::unique_ptr<Row> NewCrowdRow(const std::string& dir) { return std::make_unique<CrowdRow>(dir); }

}  // namespace grange::bench
