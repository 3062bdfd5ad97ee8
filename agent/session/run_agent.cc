#include "agent/session/run_agent.h"

#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/job/job_table.h"
#include "agent/job/workbench.h"
#include "agent/job/worker_pool.h"
#include "agent/session/agent_state.h"
#include "agent/session/codec.h"
#include "agent/session/completion_loop.h"
#include "agent/session/hub_files.h"
#include "agent/session/job_users.h"
#include "agent/session/session.h"
#include "agent/session/state_watch.h"
#include "agent/trace/journal.h"
#include "agent/trace/trace_sender.h"
#include "agent/workspace/git_command.h"
#include "agent/workspace/git_mirrors.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/child.h"
#include "common/os/core_dumps.h"
#include "common/os/event_loop.h"
#include "common/os/files.h"
#include "common/os/real_clock.h"
#include "common/os/signals.h"
#include "common/rpc/channel.h"
#include "common/rpc/quiet_timers.h"

namespace grange::session {
namespace {

// How late gRPC's timers may be: while a connection is made, and while one is there.
constexpr absl::Duration kTimersBusy = absl::Milliseconds(100);
constexpr absl::Duration kTimersQuiet = absl::Seconds(4);
// How long an agent without its state directory tries to say so.
constexpr absl::Duration kTellLossMax = absl::Minutes(1);
// Preparing and uploading may go on in each slot, beside the removal of old folders.
constexpr size_t kWorkersMax = 16;

// Secrets pass through this process: no core files, no reading of its memory by others.
void ProtectMemory() {
  os::ForbidCoreDumps();
  // gRPC's threads allocate little; an arena for each would only cost memory.
  ::mallopt(M_ARENA_MAX, 2);
}

absl::Status MakeFolders(const AgentState& state) {
  for (const char* name : {"jobs", "mirrors", "workspaces", "cache"}) {
    // Absolute work trees below 0700 folders: only this user's processes get there.
    GRANGE_RETURN_IF_ERROR(os::MakeDirs(state.Path(name)));
  }
  return absl::OkStatus();
}

// The state directory with its registration, as an absolute path.
struct Loaded {
  AgentState state;
  AgentIdentity identity;
  Secret credential;
  std::string ca_pem;
};

absl::StatusOr<Loaded> Load(const std::string& dir) {
  if (!os::Exists(os::JoinPath(dir, "agent.id"))) {
    return AgentState(dir).LoadIdentity().status();
  }
  GRANGE_ASSIGN_OR_RETURN(const std::string path, os::RealPath(dir));
  Loaded loaded{AgentState(path), {}, {}, ""};
  GRANGE_ASSIGN_OR_RETURN(loaded.identity, loaded.state.LoadIdentity());
  GRANGE_ASSIGN_OR_RETURN(loaded.credential, loaded.state.LoadCredential());
  if (!loaded.identity.insecure) {
    GRANGE_ASSIGN_OR_RETURN(loaded.ca_pem, loaded.state.LoadCa());
  }
  return loaded;
}

job::AgentSettings SettingsOf(const Loaded& loaded, const RunOptions& options) {
  job::AgentSettings settings;
  settings.state_dir = loaded.state.dir();
  settings.shim_program =
      options.shim_program.empty() ? ShimBesideThisProgram() : options.shim_program;
  settings.agent = loaded.identity.id;
  settings.name = loaded.identity.name;
  settings.tags = loaded.identity.tags;
  settings.run_untagged = loaded.identity.run_untagged;
  settings.slots = loaded.identity.slots;
  settings.server = loaded.identity.coordinator;
  settings.environment = os::CurrentEnvironment();
  settings.free_bytes_min = options.free_bytes_min;
  settings.drain_grace = options.drain_grace;
  settings.disk = options.disk;
  settings.sweep = options.sweep;
  settings.cgroups = exec::JobCgroups::Find(loaded.state.dir(), options.cgroup);
  settings.limits = options.limits;
  settings.no_new_privs = options.no_new_privs;
  return settings;
}

// What jobs are limited by, among the first lines of the log.
void TellLimits(const job::AgentSettings& settings) {
  const auto text = [](uint64_t limit) {
    return limit == 0 ? std::string("none") : absl::StrCat(limit);
  };
  log::Info("limits_of_jobs", {{"by", settings.cgroups.ToString()},
                               {"memory_bytes", text(settings.limits.memory_bytes)},
                               {"pids", text(settings.limits.pids)}});
  if (const std::string& why = settings.cgroups.WhyNoMemory(); !why.empty()) {
    log::Warning("no_memory_limits", {{"why", why}});
  }
  if (const std::string& why = settings.cgroups.WhyNoPids(); !why.empty()) {
    log::Warning("no_pids_limits", {{"why", why}});
  }
}

}  // namespace

std::string ShimBesideThisProgram() {
  const absl::StatusOr<std::string> self = os::RealPath("/proc/self/exe");
  if (!self.ok()) return "grange-shim";
  return absl::StrCat(self->substr(0, self->rfind('/')), "/grange-shim");
}

absl::Status RunAgent(const RunOptions& options) {
  ProtectMemory();
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd signals, os::TakeSignals({SIGTERM, SIGINT, SIGQUIT}));
  GRANGE_ASSIGN_OR_RETURN(const Loaded loaded, Load(options.state_dir));
  const AgentState& state = loaded.state;
  GRANGE_ASSIGN_OR_RETURN(const os::LockFile lock, os::LockFile::Acquire(state.Path("lock")));
  GRANGE_RETURN_IF_ERROR(MakeFolders(state));
  if (const absl::Status made = state.MakeBallast(); !made.ok()) {
    log::Warning("no_ballast", {{"error", made}});
  }
  job::AgentSettings settings = SettingsOf(loaded, options);
  if (!options.run_as.empty()) {
    GRANGE_ASSIGN_OR_RETURN(settings.accounts,
                            exec::ResolveAccounts(options.run_as, settings.slots));
  }
  if (!os::Exists(settings.shim_program)) {
    return absl::NotFoundError(absl::StrCat("'", settings.shim_program,
                                            "' is missing; install "
                                            "grange-shim beside grange-agent"));
  }
  rpc::QuietTimers timers(kTimersBusy);
  GRANGE_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                          rpc::MakeChannel({.address = loaded.identity.coordinator,
                                            .ca_pem = loaded.ca_pem,
                                            .insecure = loaded.identity.insecure}));

  os::RealClock clock;
  os::EventLoop loop;
  GRANGE_ASSIGN_OR_RETURN(
      const std::unique_ptr<trace::Journal> journal,
      trace::Journal::Open(
          {.path = state.Path("journal"), .make_room = [&state] { return state.GiveUpBallast(); }},
          loop));
  GRANGE_ASSIGN_OR_RETURN(const workspace::GitCommand git,
                          workspace::GitCommand::Make(state.dir()));
  if (!settings.accounts.empty()) {
    GRANGE_RETURN_IF_ERROR(
        PrepareForJobUsers(state.dir(), settings.shim_program, settings.accounts));
  }
  workspace::GitMirrors mirrors(state.Path("mirrors"), git);
  HubFiles files(channel, loaded.credential);
  job::Workbench workbench(mirrors, git, files, files);
  trace::TraceSender traces(loop);
  CompletionLoop completions(loop);
  Session session(loop, clock, completions, state, traces,
                  {.identity = loaded.identity,
                   .credential = loaded.credential,
                   .version = GRANGE_VERSION,
                   .channel = channel,
                   .reconnect_max = options.reconnect_max});
  job::WorkerPool workers(kWorkersMax);
  job::JobTable table({settings, loop, clock, *journal, traces, workers, workbench, session},
                      DecodeJobSpec);
  session.Attach(table);

  bool stopping = false;
  const auto stop = [&](const std::string& reason) {
    if (std::exchange(stopping, true)) return;
    log::Info("agent_stopping", {{"reason", reason}});
    session.Stop(reason, [&loop] { loop.Stop(); });
  };
  bool drain_and_stop = false;
  bool state_lost = false;
  table.set_on_empty([&] {
    if (drain_and_stop) loop.Post([&] { stop("drained"); });
    if (state_lost) loop.Post([&] { session.TellLossOfState(); });
  });
  // Nothing that happens from then on could be kept, so nothing goes on: not until it is known at
  // the coordinator, unless that is away.
  const absl::StatusOr<std::unique_ptr<StateWatch>> state_watch =
      StateWatch::Start(loop, state, [&] {
        state_lost = true;
        log::Error("state_lost", {{"state", state.dir()}});
        table.Close();
        loop.After(kTellLossMax, [&] { stop("its state directory is lost"); });
        if (table.empty()) return session.TellLossOfState();
        table.ForgetAll();
      });
  // A machine may have no watch left to give; then the loss shows with the next session.
  if (!state_watch.ok()) log::Warning("state_not_watched", {{"why", state_watch.status()}});
  loop.Watch(signals.get(), EPOLLIN, [&](uint32_t) {
    while (const int signal = os::NextSignal(signals.get())) {
      if (signal != SIGQUIT) {
        stop("");
        continue;
      }
      log::Info("draining");
      drain_and_stop = true;
      table.Close();
      session.SendHeartbeat();
      if (table.empty()) stop("drained");
    }
  });
  session.set_on_closed([&] { timers.SetPeriod(kTimersBusy); });
  session.set_on_open([&, first = true]() mutable {
    timers.SetPeriod(kTimersQuiet);
    if (state_lost && table.empty()) stop("its state directory is lost");
    if (!std::exchange(first, false)) return;
    std::printf("ready: agent '%s' (%lld) takes jobs of %s in %d slots\n", settings.name.c_str(),
                static_cast<long long>(settings.agent.value()), settings.server.c_str(),
                settings.slots);
    std::fflush(stdout);
  });
  log::Info("agent_started", {{"agent", settings.agent},
                              {"name", settings.name},
                              {"state", state.dir()},
                              {"version", GRANGE_VERSION}});
  TellLimits(settings);
  table.Recover();
  session.Start();
  loop.Run();
  loop.Unwatch(signals.get());
  table.Abandon();
  if (!state_lost) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the state directory '", state.dir(), "' of agent '", settings.name,
      "' was removed while it ran; its jobs were ended. Register it anew with 'grange-agent "
      "register'; to use its name again run 'grangectl agent remove ",
      settings.name, "' first"));
}

}  // namespace grange::session
