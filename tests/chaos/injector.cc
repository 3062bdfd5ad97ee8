#include "tests/chaos/injector.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/os/files.h"
#include "nlohmann/json.hpp"
#include "tests/support/small_disk.h"

namespace grange::chaos {
namespace {

using test::Eventually;
using test::TcpProxy;

constexpr absl::Duration kSettleMax = absl::Seconds(90);
constexpr absl::Duration kShimWait = absl::Seconds(3);
// How long a traced program gets to reach the call.
constexpr absl::Duration kCallWait = absl::Seconds(4);
constexpr absl::Duration kDiskFaultMin = absl::Milliseconds(300);
constexpr absl::Duration kLinkDelay = absl::Milliseconds(200);

// The length of a fault is no wait for an event: it is the fault.
void Let(absl::Duration pass) {
  const absl::Time until = absl::Now() + pass;
  while (absl::Now() < until) {
    poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(until - absl::Now())) + 1);
  }
}

void Send(const os::UniqueFd& process, int signal) {
  syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0);
}

bool HasEnded(const os::UniqueFd& process) {
  pollfd now{process.get(), POLLIN, 0};
  return poll(&now, 1, 0) != 0;
}

}  // namespace

Injector::Injector(ChaosFarm& chaos, const Abilities& abilities, Excuses& excuses, Ledger& ledger)
    : chaos_(chaos),
      farm_(chaos.farm()),
      abilities_(abilities),
      excuses_(excuses),
      ledger_(ledger) {}

void Injector::Do(const Fault& fault) {
  Let(fault.after);
  Revive(/*allowed=*/false);
  std::fprintf(stderr, "%s %s\n", absl::FormatTime("%H:%M:%E3S", absl::Now(), {}).c_str(),
               fault.ToString().c_str());
  const std::string skipped = Strike(fault);
  const absl::Time over = absl::Now();
  const bool may_end =
      fault.kind == FaultKind::kCoordinatorDiskError || fault.kind == FaultKind::kAgentDiskError ||
      fault.kind == FaultKind::kFullCoordinatorDisk || fault.kind == FaultKind::kFullAgentDisk;
  Revive(may_end);
  if (skipped.empty()) {
    ledger_.NoteInjected(fault.kind);
  } else {
    ledger_.NoteSkipped(fault.kind, skipped);
  }
  if (fault.settle && skipped.empty()) Settle(fault.kind, over);
}

void Injector::Settle(FaultKind kind, absl::Time since) {
  if (Eventually([&] { return chaos_.AllOnline() && KilledAttemptHasEnded(); }, kSettleMax)) {
    ledger_.NoteSettled(kind, absl::Now() - since);
  } else {
    ledger_.NoteOther(absl::StrCat("all is not well ", absl::FormatDuration(kSettleMax), " after '",
                                   FaultKindText(kind),
                                   "': ", farm_.Ctl({"agents", "-o", "json"}).out));
  }
}

bool Injector::KilledAttemptHasEnded() {
  if (killed_.empty()) return true;
  const std::pair<std::string, std::string> parts = absl::StrSplit(killed_, '-');
  const nlohmann::json job = farm_.Ctl({"job", parts.first, "-o", "json"}).json();
  if (!job.is_object()) return false;
  for (const nlohmann::json& attempt : job.value("attempts", nlohmann::json::array())) {
    if (absl::StrCat(attempt.value("number", 0)) != parts.second) continue;
    if (test::Text(attempt, "status") == "running") return false;
  }
  killed_.clear();
  return true;
}

std::string Injector::Strike(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kKillCoordinator:
      KillCoordinator();
      Let(fault.lasts);
      StartCoordinator();
      return "";
    case FaultKind::kKillAgent:
      KillAgent(AgentOf(fault));
      Let(fault.lasts);
      StartAgent(AgentOf(fault));
      return "";
    case FaultKind::kKillBoth:
      KillCoordinator();
      KillAgent(AgentOf(fault));
      Let(fault.lasts);
      if (fault.choice % 2 == 0) StartCoordinator();
      StartAgent(AgentOf(fault));
      if (fault.choice % 2 != 0) StartCoordinator();
      return "";
    case FaultKind::kStopCoordinator:
      Pause(farm_.coordinator(), fault.lasts);
      return "";
    case FaultKind::kStopAgent:
      Pause(farm_.agent(AgentOf(fault)), fault.lasts);
      return "";
    case FaultKind::kAgentAbsence:
      excuses_.NoteAbsence(AgentOf(fault));
      Pause(farm_.agent(AgentOf(fault)), fault.lasts);
      return "";
    case FaultKind::kKillShim:
    case FaultKind::kStopShim:
      return StrikeShim(fault);
    case FaultKind::kCutLink:
    case FaultKind::kHoldLink:
    case FaultKind::kHoldOneWay:
    case FaultKind::kSlowLink:
    case FaultKind::kCutAfterBytes:
      return StrikeLink(fault);
    case FaultKind::kUnplug:
    case FaultKind::kDropOneWay:
    case FaultKind::kLosePackets:
    case FaultKind::kNarrowLink:
      return StrikeNetwork(fault);
    case FaultKind::kFullCoordinatorDisk:
    case FaultKind::kFullAgentDisk:
      return StrikeDisk(fault);
    case FaultKind::kCoordinatorDiesAtCall:
    case FaultKind::kAgentDiesAtCall:
      return KillAtCall(fault);
    case FaultKind::kCoordinatorDiskError:
    case FaultKind::kAgentDiskError:
    case FaultKind::kShimDiskError:
      return FailCalls(fault);
  }
  return "";
}

std::string Injector::StrikeShim(const Fault& fault) {
  const std::optional<Shim> shim = FindShim(fault.choice);
  if (!shim.has_value()) return "no job ran at that moment";
  if (fault.kind == FaultKind::kStopShim) {
    Send(shim->process, SIGSTOP);
    Let(fault.lasts);
    Send(shim->process, SIGCONT);
    return "";
  }
  excuses_.NoteShimKilled(shim->folder);
  killed_ = shim->folder;
  Send(shim->process, SIGKILL);
  return "";
}

std::string Injector::StrikeLink(const Fault& fault) {
  TcpProxy& link = chaos_.link(AgentNumberOf(fault));
  if (fault.kind == FaultKind::kCutLink) link.Cut();
  if (fault.kind == FaultKind::kHoldLink) link.Hold(TcpProxy::Direction::kBoth);
  if (fault.kind == FaultKind::kHoldOneWay) {
    link.Hold(fault.choice % 2 == 0 ? TcpProxy::Direction::kToServer
                                    : TcpProxy::Direction::kToClient);
  }
  if (fault.kind == FaultKind::kSlowLink) link.Delay(kLinkDelay);
  if (fault.kind == FaultKind::kCutAfterBytes) link.CutAfter(fault.count);
  Let(fault.lasts);
  link.Pass();
  return "";
}

std::string Injector::StrikeNetwork(const Fault& fault) {
  if (chaos_.network() == nullptr) return abilities_.no_network;
  test::Network& network = *chaos_.network();
  const std::string host = ChaosFarm::kFarHost;
  absl::Status done;
  if (fault.kind == FaultKind::kUnplug) done = network.SetLink(host, false);
  if (fault.kind == FaultKind::kDropOneWay) {
    done = network.AddRule(host, fault.choice % 2 == 0 ? "input" : "output", "drop");
  }
  if (fault.kind == FaultKind::kLosePackets) {
    done = network.AddRule(host, "input", "numgen random mod 100 < 30 drop");
  }
  if (fault.kind == FaultKind::kNarrowLink) {
    done = network.Shape(host, {"tbf", "rate", "1mbit", "burst", "16kb", "latency", "400ms"});
  }
  if (done.ok()) Let(fault.lasts);
  const absl::Status healed = network.Heal(host);
  if (!done.ok()) return std::string(done.message());
  return std::string(healed.message());
}

std::string Injector::StrikeDisk(const Fault& fault) {
  if (!abilities_.no_disks.empty()) return abilities_.no_disks;
  const bool hub = fault.kind == FaultKind::kFullCoordinatorDisk;
  if (hub) {
    excuses_.NoteCoordinatorDisk();
  } else {
    excuses_.NoteAgentDisk(AgentOf(fault));
  }
  const test::Filler filler(
      absl::StrCat(hub ? farm_.CoordinatorState() : farm_.AgentState(AgentOf(fault)), "/filler"));
  Let(std::max(fault.lasts, kDiskFaultMin));
  return "";
}

std::string Injector::TracePath(const Fault& fault) {
  return absl::StrCat(farm_.dir(), "/injection-", fault.number, ".log");
}

std::string Injector::KillAtCall(const Fault& fault) {
  if (!abilities_.no_injection.empty()) return abilities_.no_injection;
  const bool hub = fault.kind == FaultKind::kCoordinatorDiesAtCall;
  if (!hub) excuses_.NoteAgentKilled(AgentOf(fault));
  test::Program& program = hub ? farm_.coordinator() : farm_.agent(AgentOf(fault));
  bool died = false;
  {
    const absl::StatusOr<std::unique_ptr<test::AttachedInjection>> injection =
        test::AttachedInjection::Attach(
            program.pid(),
            {.calls = fault.call, .action = "signal=KILL", .when = absl::StrCat(fault.count)},
            TracePath(fault));
    if (!injection.ok()) return std::string(injection.status().message());
    died = Eventually([&] { return !program.Running(); }, kCallWait);
  }
  if (!died) return absl::StrCat("it did not come to call ", fault.count, " of ", fault.call);
  program.Wait();
  if (hub) {
    StartCoordinator();
  } else {
    StartAgent(AgentOf(fault));
  }
  return "";
}

std::string Injector::FailCalls(const Fault& fault) {
  if (!abilities_.no_injection.empty()) return abilities_.no_injection;
  pid_t pid = 0;
  std::optional<Shim> shim;
  if (fault.kind == FaultKind::kCoordinatorDiskError) {
    excuses_.NoteCoordinatorDisk();
    pid = farm_.coordinator().pid();
  } else if (fault.kind == FaultKind::kAgentDiskError) {
    excuses_.NoteAgentDisk(AgentOf(fault));
    excuses_.NoteAgentKilled(AgentOf(fault));  // it may end itself
    pid = farm_.agent(AgentOf(fault)).pid();
  } else {
    shim = FindShim(fault.choice);
    if (!shim.has_value()) return "no job ran at that moment";
    excuses_.NoteAgentDisk(shim->agent);
    pid = shim->pid;
  }
  test::Injection injection = {.calls = fault.call,
                               .action = "error=" + fault.error,
                               .when = absl::StrCat(fault.count, "..", fault.count + 2)};
  // Sockets and pipes have no disk.
  if (fault.kind == FaultKind::kAgentDiskError) {
    injection.paths = {farm_.AgentState(AgentOf(fault)) + "/journal"};
  } else if (fault.kind == FaultKind::kShimDiskError) {
    injection.paths = {absl::StrCat(farm_.AgentState(shim->agent), "/jobs/", shim->folder, "/log")};
  }
  const absl::StatusOr<std::unique_ptr<test::AttachedInjection>> attached =
      test::AttachedInjection::Attach(pid, injection, TracePath(fault));
  if (!attached.ok()) return std::string(attached.status().message());
  const bool struck = Eventually([&] { return (*attached)->Injected() > 0; }, kCallWait);
  if (!struck) return absl::StrCat("it did not come to call ", fault.count, " of ", fault.call);
  Let(std::min(fault.lasts, absl::Seconds(1)));
  return "";
}

void Injector::KillCoordinator() { farm_.KillCoordinator(SIGKILL); }

void Injector::KillAgent(const std::string& agent) {
  excuses_.NoteAgentKilled(agent);
  farm_.KillAgent(agent, SIGKILL);
}

void Injector::StartCoordinator() {
  const absl::Time start = absl::Now();
  farm_.LaunchCoordinator();
  if (farm_.WaitForCoordinator()) {
    ledger_.NoteReady(absl::Now() - start);
  } else {
    ledger_.NoteOther("the coordinator does not start: " + farm_.coordinator().Log());
  }
}

void Injector::StartAgent(const std::string& agent) { farm_.LaunchAgent(agent); }

void Injector::Pause(test::Program& program, absl::Duration lasts) {
  program.Kill(SIGSTOP);
  Let(lasts);
  program.Kill(SIGCONT);
}

void Injector::Revive(bool allowed) {
  if (!farm_.coordinator().Running()) {
    const os::ExitStatus status = farm_.coordinator().Wait();
    if (!allowed || status.signal != 0) {
      ledger_.NoteOther(absl::StrCat("the coordinator died by itself: ", status.ToString(), "\n",
                                     farm_.coordinator().Log()));
    }
    StartCoordinator();
  }
  for (const std::string& agent : chaos_.agents()) {
    if (farm_.agent(agent).Running()) continue;
    const os::ExitStatus status = farm_.agent(agent).Wait();
    if (!allowed || status.signal != 0) {
      ledger_.NoteOther(absl::StrCat(agent, " died by itself: ", status.ToString(), "\n",
                                     farm_.agent(agent).Log()));
    }
    StartAgent(agent);
  }
}

std::vector<Injector::Shim> Injector::Shims() {
  std::vector<Shim> shims;
  for (const std::string& agent : chaos_.agents()) {
    const std::string jobs = farm_.AgentState(agent) + "/jobs";
    for (const std::string& folder : os::ListDir(jobs).value_or(std::vector<std::string>())) {
      const std::string path = absl::StrCat(jobs, "/", folder);
      // A job that a fault ends again and again would use up its tries.
      if (!absl::EndsWith(folder, "-1")) continue;
      const std::string record = os::ReadFile(path + "/shim").value_or("");
      for (absl::string_view line : absl::StrSplit(record, '\n')) {
        Shim shim;
        if (!absl::ConsumePrefix(&line, "pid=") || !absl::SimpleAtoi(line, &shim.pid)) continue;
        shim.agent = agent;
        shim.folder = folder;
        shim.process.Reset(static_cast<int>(syscall(SYS_pidfd_open, shim.pid, 0)));
        // The descriptor is of this shim if the process is, once it is open.
        const std::string command =
            os::ReadFile(absl::StrCat("/proc/", shim.pid, "/cmdline")).value_or("");
        if (shim.process.is_open() && absl::StrContains(command, path) && !HasEnded(shim.process)) {
          shims.push_back(std::move(shim));
        }
      }
    }
  }
  return shims;
}

std::optional<Injector::Shim> Injector::FindShim(uint64_t choice) {
  std::vector<Shim> shims;
  Eventually(
      [&] {
        shims = Shims();
        return !shims.empty();
      },
      kShimWait);
  if (shims.empty()) return std::nullopt;
  return std::move(shims[choice % shims.size()]);
}

size_t Injector::AgentNumberOf(const Fault& fault) const {
  return fault.choice / 2 % chaos_.agents().size();
}

const std::string& Injector::AgentOf(const Fault& fault) const {
  return chaos_.agents()[AgentNumberOf(fault)];
}

}  // namespace grange::chaos
