#include "tests/chaos/chaos_farm.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "nlohmann/json.hpp"
#include "tests/support/injection.h"

namespace grange::chaos {
namespace {

constexpr int kAgents = 3;
constexpr int kSlots = 8;
constexpr uint64_t kDiskBytes = uint64_t{384} << 20;
constexpr absl::Duration kAnswerMax = absl::Seconds(10);

// The address of this process in a Network that it joins.
constexpr char kOwnAddress[] = "10.77.0.200";

}  // namespace

Abilities Abilities::Find() {
  Abilities found;
  const absl::Status mounts = test::EnterOwnMounts();
  if (!mounts.ok()) found.no_disks = std::string(mounts.message());
  const absl::Status network = test::EnterOwnNetwork();
  if (!network.ok()) found.no_network = std::string(network.message());
  found.no_injection = test::WhyNoInjection();
  if (found.no_injection.empty() && getuid() != 0) {
    found.no_injection =
        "only root may trace the coordinator and the agents, which are not dumpable";
  }
  return found;
}

absl::StatusOr<std::unique_ptr<ChaosFarm>> ChaosFarm::Start(const Abilities& abilities, Pace pace) {
  std::unique_ptr<ChaosFarm> farm(new ChaosFarm);
  GRANGE_RETURN_IF_ERROR(farm->Build(abilities, pace));
  return farm;
}

ChaosFarm::~ChaosFarm() {
  disks_.clear();  // the farm's folder can't go while something is mounted in it
  farm_.reset();
}

absl::Status ChaosFarm::Build(const Abilities& abilities, Pace pace) {
  if (abilities.no_network.empty()) {
    GRANGE_ASSIGN_OR_RETURN(network_, test::Network::Make({kFarHost}));
    GRANGE_RETURN_IF_ERROR(network_->Join().status());
  }
  const bool disks = abilities.no_disks.empty();
  absl::Status mounted;
  const auto mount = [&](const std::string& path) {
    absl::StatusOr<std::unique_ptr<test::SmallDisk>> disk =
        test::SmallDisk::Mount(path, kDiskBytes);
    if (disk.ok()) {
      disks_.push_back(*std::move(disk));
    } else {
      mounted.Update(disk.status());
    }
  };
  test::Farm::Options options;
  options.time_scale = pace.time_scale;
  options.coordinator_arguments = {"--name", kOwnAddress};
  options.prepare_state = [&](const std::string& state) {
    if (disks) mount(state);
  };
  options.agent_arguments = {"--keep-free", "24", "--reconnect-max",
                             absl::StrCat(pace.reconnect_max_seconds)};
  options.keep_logs = true;
  farm_ = std::make_unique<test::Farm>(options);
  GRANGE_RETURN_IF_ERROR(mounted);

  int port = 0;
  const std::string& address = farm_->address();
  if (!absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) {
    return absl::UnavailableError("the coordinator did not start:\n" + farm_->Logs());
  }
  for (int i = 1; i <= kAgents; ++i) {
    const bool far = i == kAgents && network_ != nullptr;
    const std::string host = far ? kOwnAddress : "127.0.0.1";
    GRANGE_ASSIGN_OR_RETURN(std::unique_ptr<test::TcpProxy> link,
                            test::TcpProxy::Start(static_cast<uint16_t>(port), host));
    test::AgentOptions agent;
    agent.name = absl::StrCat("agent-", i);
    agent.slots = kSlots;
    agent.coordinator = absl::StrCat(host, ":", link->port());
    if (far) agent.prefix = network_->In(kFarHost, {});
    if (disks) mount(farm_->AgentState(agent.name));
    GRANGE_RETURN_IF_ERROR(mounted);
    links_.push_back(std::move(link));
    agents_.push_back(agent.name);
    farm_->AddAgent(agent);
  }
  return absl::OkStatus();
}

bool ChaosFarm::AllOnline() {
  for (const std::string& agent : agents_) {
    // Of one that was just started again the coordinator may still see the session before.
    if (!absl::StrContains(farm_->agent(agent).Log(), "\nready")) return false;
  }
  const test::CtlResult listed = farm_->Ctl({"agents", "-o", "json"}, kAnswerMax);
  const nlohmann::json parsed = listed.json();
  if (listed.exit_code != 0 || !parsed.is_object()) return false;
  size_t online = 0;
  for (const nlohmann::json& agent : parsed.value("agents", nlohmann::json::array())) {
    if (test::Text(agent, "status") == "online") ++online;
  }
  return online == agents_.size();
}

void ChaosFarm::Keep() {
  farm_->KeepFolder();
  for (const std::unique_ptr<test::SmallDisk>& disk : disks_) {
    os::ChildOptions copy;
    copy.argv = {"cp", "-a", disk->path(), disk->path() + ".kept"};
    os::Run(copy).status().IgnoreError();  // what can be had is better than nothing
  }
}

}  // namespace grange::chaos
