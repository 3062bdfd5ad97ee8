// grange-coordinator: compiles, schedules, stores; the only program that listens.
#include <signal.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <string>

#include "absl/synchronization/mutex.h"
#include "common/log/log.h"
#include "common/os/core_dumps.h"
#include "common/os/event_loop.h"
#include "common/os/signals.h"
#include "common/rpc/quiet_timers.h"
#include "common/text/duration_text.h"
#include "coordinator/server/coordinator.h"

namespace {

// How late gRPC's timers may be here: they end calls whose deadline has passed, nothing else. What
// the protocol with agents measures has clocks of its own.
constexpr absl::Duration kTimersPeriod = absl::Seconds(4);

// One for each agent and each watcher: the usual soft limit of 1,024 is for programs that select().
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Run(const grange::server::CoordinatorOptions& options, int signals) {
  grange::rpc::QuietTimers timers(kTimersPeriod);
  absl::StatusOr<std::unique_ptr<grange::server::Coordinator>> coordinator =
      grange::server::Coordinator::Start(options);
  if (!coordinator.ok()) {
    std::fprintf(stderr, "grange-coordinator: %s\n",
                 std::string(coordinator.status().message()).c_str());
    return 1;
  }
  std::printf("ready %s\n", (*coordinator)->address().c_str());
  std::fflush(stdout);
  grange::os::EventLoop loop;
  loop.Watch(signals, 1 /* EPOLLIN */, [&](uint32_t) {
    if (grange::os::NextSignal(signals) != 0) loop.Stop();
  });
  loop.Run();
  grange::log::Info("stopping");
  coordinator->reset();
  return 0;
}

// The times of the agent protocol. What doesn't fit together is refused at the start.
void AddTimeOptions(CLI::App& app, grange::server::CoordinatorOptions& options) {
  const auto add = [&app](const char* name, absl::Duration& time, const char* what) {
    app.add_option_function<std::string>(
           name,
           [name, &time](const std::string& text) {
             const absl::StatusOr<absl::Duration> parsed = grange::text::ParseDuration(text);
             if (!parsed.ok() || *parsed <= absl::ZeroDuration()) {
               throw CLI::ValidationError(name,
                                          "'" + text + "' is no time; write '90s' or '5 min'");
             }
             time = *parsed;
           },
           what)
        ->type_name("TIME")
        ->default_str(grange::text::FormatDuration(time))
        ->group("Times");
  };
  add("--heartbeat", options.sessions.heartbeat_every, "how often an agent says that it is there");
  add("--silence", options.sessions.silence_limit,
      "after so long without a word an agent is unreachable; its jobs go on");
  add("--lease", options.sessions.lease_ttl,
      "how long a job with 'on_disconnect: stop' goes on without contact");
  add("--lost-after", options.scheduler.lost_after,
      "after so long without contact a job is lost, and is tried again where its 'retry' says so");
  add("--offer-timeout", options.scheduler.offer_timeout,
      "how long an agent may take to answer an offer");
  add("--cancel-grace", options.sessions.cancel_grace,
      "how long a canceled job may take to end by itself");
}

// `--keep-traces 90d`, `--traces-size 50GB`: what is kept of each kind.
void AddRetentionOptions(CLI::App& app, grange::sweep::Sweeper::Options& options) {
  namespace retention = grange::retention;
  const auto age = [&app](const char* name, absl::Duration& target, const char* what) {
    app.add_option_function<std::string>(
           name,
           [&target, name](const std::string& text) {
             const absl::StatusOr<absl::Duration> parsed = retention::ParseAge(text);
             if (!parsed.ok())
               throw CLI::ValidationError(name, std::string(parsed.status().message()));
             target = *parsed;
           },
           what)
        ->type_name("AGE")
        ->default_str(retention::AgeText(target));
  };
  const auto size = [&app](const char* name, uint64_t& target, const char* what) {
    app.add_option_function<std::string>(
           name,
           [&target, name](const std::string& text) {
             const absl::StatusOr<uint64_t> parsed = retention::ParseBytes(text);
             if (!parsed.ok())
               throw CLI::ValidationError(name, std::string(parsed.status().message()));
             target = *parsed;
           },
           what)
        ->type_name("SIZE")
        ->default_str(retention::BytesText(target));
  };
  age("--keep-pipelines", options.limits.pipelines.age,
      "how long finished pipelines are kept, such as '90 days' or 'forever'");
  size("--pipelines-size", options.limits.pipelines.bytes,
       "how much the rows of all pipelines may take, such as 20GB");
  age("--keep-traces", options.limits.traces.age, "how long logs of jobs are kept");
  size("--traces-size", options.limits.traces.bytes, "how much all logs may take");
  age("--keep-artifacts", options.limits.artifacts.age,
      "how long artifacts without 'expire_in' are kept");
  size("--artifacts-size", options.limits.artifacts.bytes, "how much all artifacts may take");
  age("--keep-mirrors", options.limits.mirrors.age,
      "how long sources are kept that no pipeline has any more");
  size("--mirrors-size", options.limits.mirrors.bytes, "how much all sources may take");
  age("--keep-audit", options.audit.age, "how long entries of the audit log are kept");
  size("--audit-size", options.audit.bytes, "how much the audit log may take");
}

}  // namespace

int main(int argc, char** argv) {
  grange::server::CoordinatorOptions options;
  double scale = 1;
  bool quiet = false;
  CLI::App app(
      "The coordinator of a Grange build farm: compiles pipelines, schedules their jobs and keeps "
      "all state in one directory.\n"
      "On its first start it makes the directory, its own CA and grangectl.yml, the configuration "
      "for grangectl with an administrator's token.");
  app.set_version_flag("--version", "grange-coordinator " GRANGE_VERSION);
  app.add_option("--state", options.state_dir, "directory of all state; made if missing")
      ->required();
  app.add_option("--listen", options.listen, "host:port; port 0 lets the system choose")
      ->capture_default_str();
  app.add_option("--name", options.names,
                 "a further host name or address for the certificate; repeat it for more");
  CLI::Option* const certificate =
      app.add_option("--certificate", options.certificate.certificate,
                     "PEM file with a certificate of your own CA, and those between them; read "
                     "again when it changes. Else the coordinator's own CA makes one")
          ->type_name("FILE");
  CLI::Option* const key =
      app.add_option("--key", options.certificate.key, "PEM file with the certificate's key")
          ->type_name("FILE");
  CLI::Option* const ca = app.add_option("--ca", options.certificate.ca,
                                         "PEM file with your CA, which agents will know by its "
                                         "fingerprint")
                              ->type_name("FILE");
  certificate->needs(key)->needs(ca);
  key->needs(certificate);
  ca->needs(certificate);
  app.add_option("--templates", options.includes.templates,
                 "folder with the files of 'include:template'");
  app.add_option("--include-host", options.includes.remote.hosts,
                 "a host from which 'include:remote' may read: HOST or HOST:PORT, with 'http://' "
                 "before it for plain text; repeat it for more");
  app.add_flag("--include-private", options.includes.remote.allow_private,
               "let these hosts have addresses that are not of the public Internet");
  app.add_option("--component-host", options.includes.component_hosts,
                 "a host whose components are taken from the projects here, as those of the "
                 "coordinator's own names are; repeat it for more");
  app.add_option("--backups", options.backup_folder,
                 "folder of the backups, such as one of another disk; else 'backups' in --state");
  app.add_option("--backups-kept", options.backups_kept,
                 "how many of the hourly backups of the database are kept")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  AddTimeOptions(app, options);
  AddRetentionOptions(app, options.sweeps);
  app.set_config("--config", "", "file with these options, one 'name = value' a line");
  app.add_flag("--insecure", options.insecure, "plain text instead of TLS; on loopback only");
  app.add_flag("--quiet", quiet, "log warnings and errors only");
  app.add_option("--time-scale", scale,
                 "multiplies all times of the agent protocol (leases, time-outs); for tests")
      ->check(CLI::Range(0.001, 10.0));
  using Commits = grange::server::CoordinatorOptions::Commits;
  app.add_option("--commits", options.commits)
      ->transform(
          CLI::Transformer(std::map<std::string, Commits>{{"grouped", Commits::kGrouped},
                                                          {"each", Commits::kEach},
                                                          {"unsynced", Commits::kUnsynced}}))
      ->group("");  // for grange-bench
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  grange::os::ForbidCoreDumps();
  RaiseFileLimit();
  // The packaged Abseil looks for deadlocks at each lock, gRPC's included: 5 % of all CPU time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  if (quiet) grange::log::SetLevel(grange::log::Level::kWarning);
  options.scheduler.offer_timeout *= scale;
  options.scheduler.lost_after *= scale;
  options.sessions.heartbeat_every *= scale;
  options.sessions.silence_limit *= scale;
  options.sessions.lease_ttl *= scale;
  options.lease_grace *= scale;  // in the check; agents have no scale
  options.sessions.same_credential_window *= scale;
  options.sessions.cancel_grace *= scale;
  options.sweeps.first_after *= scale;
  options.sweeps.apart *= scale;
  options.sweeps.mirrors_every *= scale;
  absl::StatusOr<grange::os::UniqueFd> signals = grange::os::TakeSignals({SIGTERM, SIGINT});
  if (!signals.ok()) {
    std::fprintf(stderr, "grange-coordinator: %s\n",
                 std::string(signals.status().message()).c_str());
    return 1;
  }
  return Run(options, signals->get());
}
