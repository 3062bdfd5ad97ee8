// grange-agent: connects to a coordinator and runs its jobs.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "agent/session/check.h"
#include "agent/session/registration.h"
#include "agent/session/run_agent.h"
#include "common/base/status_macros.h"
#include "common/text/duration_text.h"
#include "common/text/size_text.h"

namespace grange::session {
namespace {

// docs/operations.md: 1 the input or the work failed, 2 usage, 3 nobody answers, 4 not allowed.
int ExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kInvalidArgument:
      return 2;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return 3;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return 4;
    default:
      return 1;
  }
}

// The limits of what is kept, as they stand on the command line.
struct SweepTexts {
  std::string work_trees_age = "30 days", work_trees_size = "unlimited";
  std::string mirrors_age = "90 days", mirrors_size = "unlimited";
  std::string every = "1 hour";
};

void AddSweepOptions(CLI::App& run, SweepTexts& texts) {
  const auto add = [&](const char* name, std::string& text, const char* help, const char* type) {
    run.add_option(name, text, help)->type_name(type)->capture_default_str();
  };
  add("--keep-work-trees", texts.work_trees_age,
      "a work tree goes when no job has used it for so long, such as '2 weeks'; or 'forever'",
      "AGE");
  add("--work-trees-size", texts.work_trees_size,
      "idle work trees go while all together take more, such as 50GiB; or 'unlimited'", "SIZE");
  add("--keep-mirrors", texts.mirrors_age, "the same for the git mirrors of projects", "AGE");
  add("--mirrors-size", texts.mirrors_size, "the same for the git mirrors of projects", "SIZE");
  add("--sweep-every", texts.every,
      "looks for these at its start, and after a job if the last look is so long ago", "DURATION");
}

absl::StatusOr<workspace::KeepLimit> ParseLimit(const std::string& name, const std::string& age,
                                                const std::string& size) {
  workspace::KeepLimit limit;
  if (age != "forever") {
    const absl::StatusOr<absl::Duration> parsed = text::ParseDuration(age);
    if (!parsed.ok()) return Annotate(parsed.status(), absl::StrCat("--keep-", name));
    limit.age = *parsed;
  }
  if (size != "unlimited") {
    const absl::StatusOr<uint64_t> parsed = text::ParseSize(size);
    if (!parsed.ok()) return Annotate(parsed.status(), absl::StrCat("--", name, "-size"));
    limit.bytes = *parsed;
  }
  return limit;
}

absl::StatusOr<job::SweepSettings> ParseSweep(const SweepTexts& texts) {
  job::SweepSettings sweep;
  GRANGE_ASSIGN_OR_RETURN(sweep.keep.work_trees,
                          ParseLimit("work-trees", texts.work_trees_age, texts.work_trees_size));
  GRANGE_ASSIGN_OR_RETURN(sweep.keep.mirrors,
                          ParseLimit("mirrors", texts.mirrors_age, texts.mirrors_size));
  const absl::StatusOr<absl::Duration> every = text::ParseDuration(texts.every);
  if (!every.ok()) return Annotate(every.status(), "--sweep-every");
  sweep.every = *every;
  return sweep;
}

int Report(const absl::Status& status) {
  if (!status.ok()) {
    std::fprintf(stderr, "grange-agent: %s\n", std::string(status.message()).c_str());
  }
  return ExitCode(status);
}

int RunRegister(RegisterOptions options, bool ask) {
  if (ask) {
    absl::StatusOr<RegisterOptions> asked = AskForOptions(options, std::cin, std::cout);
    if (!asked.ok()) return Report(asked.status());
    options = *std::move(asked);
  }
  // What stands on a command line is seen by everybody on this machine.
  if (options.token == "-" && !std::getline(std::cin, options.token)) options.token.clear();
  if (options.coordinator.empty() || options.token.empty()) {
    return Report(absl::InvalidArgumentError(
        "register needs --coordinator HOST:PORT and --token TOKEN (a token comes from 'grangectl "
        "token create --registration')"));
  }
  const absl::StatusOr<AgentIdentity> identity = Register(options);
  if (!identity.ok()) return Report(identity.status());
  std::printf("registered agent '%s' (%lld) with %s; start it with: grange-agent run --state %s\n",
              identity->name.c_str(), static_cast<long long>(identity->id.value()),
              identity->coordinator.c_str(), options.state_dir.c_str());
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("grange-agent connects to a Grange coordinator and runs its jobs.", "grange-agent");
  app.set_version_flag("--version", std::string("grange-agent ") + GRANGE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, 1 failed, 2 usage, 3 the coordinator can't be reached, 4 not "
      "allowed.");
  const char kStateHelp[] = "directory with all that this agent knows and keeps";

  RegisterOptions registration;
  bool no_untagged = false;
  CLI::App* const reg = app.add_subcommand(
      "register",
      "trade a registration token for this agent's own credential; asks on a terminal "
      "if only --state is given");
  reg->add_option("--state", registration.state_dir, kStateHelp)->required()->type_name("DIR");
  reg->add_option("--coordinator", registration.coordinator, "where the coordinator listens")
      ->type_name("HOST:PORT");
  reg->add_option("--token", registration.token,
                  "what 'grangectl token create --registration' has printed; '-' reads it from the "
                  "input")
      ->type_name("TOKEN");
  reg->add_option("--tag", registration.tags, "a tag that jobs may ask for; may be repeated")
      ->type_name("TAG")
      ->allow_extra_args(false);
  reg->add_flag("--no-untagged", no_untagged, "take only jobs that ask for one of the tags");
  reg->add_option("--slots", registration.slots, "jobs at the same time")
      ->type_name("N")
      ->capture_default_str();
  reg->add_option("--name", registration.name, "name of the agent; this machine's if not given")
      ->type_name("NAME");
  reg->add_flag("--insecure", registration.insecure, "plain text instead of TLS; loopback only");

  RunOptions run_options;
  uint64_t keep_free_mib = run_options.free_bytes_min >> 20;
  uint64_t spool_quota_mib = run_options.disk.spool_quota_bytes >> 20;
  uint64_t pause_free_mib = run_options.disk.pause_free_bytes >> 20;
  double disk_full_after_seconds = absl::ToDoubleSeconds(run_options.disk.fail_after);
  double drain_grace_seconds = absl::ToDoubleSeconds(run_options.drain_grace);
  double reconnect_max_seconds = absl::ToDoubleSeconds(run_options.reconnect_max);
  CLI::App* const run = app.add_subcommand(
      "run", "take jobs until SIGTERM (jobs go on) or SIGQUIT (ends when the last job has ended)");
  run->add_option("--state", run_options.state_dir, kStateHelp)->required()->type_name("DIR");
  run->add_option("--shim", run_options.shim_program,
                  "the program grange-shim; the one beside this program if not given")
      ->type_name("FILE");
  run->add_option("--keep-free", keep_free_mib, "take no jobs with less free disk, in MiB")
      ->type_name("MIB")
      ->capture_default_str();
  run->add_option("--spool-quota", spool_quota_mib,
                  "take no jobs while the logs of those that are here have more, in MiB")
      ->type_name("MIB")
      ->capture_default_str();
  run->add_option("--pause-free", pause_free_mib,
                  "with less free disk, in MiB, jobs wait with their output")
      ->type_name("MIB")
      ->capture_default_str();
  run->add_option("--disk-full-after", disk_full_after_seconds,
                  "then, after so many seconds, the job that has written the most fails")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  run->add_option("--reconnect-max", reconnect_max_seconds,
                  "the longest wait before a lost connection is tried again, in seconds")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  run->add_option("--drain-grace", drain_grace_seconds,
                  "what a job that still runs at a drain's deadline has between SIGTERM and "
                  "SIGKILL, in seconds")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  SweepTexts sweep_texts;
  AddSweepOptions(*run, sweep_texts);
  std::string memory_limit;
  run->add_option("--memory-limit", memory_limit,
                  "memory that each job may use, such as 2GiB; it is killed above that. A job may "
                  "ask for less with GRANGE_MEMORY_LIMIT. No limit if not given")
      ->type_name("SIZE");
  run->add_option("--pids-limit", run_options.limits.pids,
                  "processes and threads that each job may have at once; it is killed when it "
                  "wants more. A job may ask for fewer with GRANGE_PIDS_LIMIT. No limit if not "
                  "given")
      ->type_name("N");
  run->add_option("--cgroup", run_options.cgroup,
                  "a cgroup for this agent alone, such as /grange, in which those of the jobs are "
                  "made; the agent's own if not given")
      ->type_name("PATH");
  run->add_option("--run-as", run_options.run_as,
                  "users that jobs run as, one for each slot: names, numbers or a range such as "
                  "20000-20003. Needs root. The agent's own user if not given")
      ->type_name("USER")
      ->delimiter(',');
  run->add_flag("--no-new-privs", run_options.no_new_privs,
                "programs like sudo give jobs no further rights; with --run-as that is always so");

  std::string check_state, check_shim;
  CLI::App* const check =
      app.add_subcommand("check",
                         "say in order what works and what doesn't: address, TCP, TLS (certificate, "
                         "fingerprint, clock), credential, protocol, disk, git, shell");
  check->add_option("--state", check_state, kStateHelp)->required()->type_name("DIR");
  check->add_option("--shim", check_shim, "as for run")->type_name("FILE");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (reg->parsed()) {
    registration.run_untagged = !no_untagged;
    size_t given = 0;
    for (const CLI::Option* option : reg->get_options()) given += option->count() > 0 ? 1 : 0;
    const bool only_state = given == 1;
    return RunRegister(registration, only_state && ::isatty(STDIN_FILENO) == 1);
  }
  if (run->parsed()) {
    run_options.free_bytes_min = keep_free_mib << 20;
    run_options.disk = {.pause_free_bytes = pause_free_mib << 20,
                        .fail_after = absl::Seconds(disk_full_after_seconds),
                        .spool_quota_bytes = spool_quota_mib << 20};
    const absl::StatusOr<job::SweepSettings> sweep = ParseSweep(sweep_texts);
    if (!sweep.ok()) return Report(sweep.status());
    run_options.sweep = *sweep;
    if (!memory_limit.empty()) {
      const absl::StatusOr<uint64_t> size = text::ParseSize(memory_limit);
      if (!size.ok()) return Report(Annotate(size.status(), "--memory-limit"));
      run_options.limits.memory_bytes = *size;
    }
    run_options.drain_grace = absl::Seconds(drain_grace_seconds);
    run_options.reconnect_max = absl::Seconds(reconnect_max_seconds);
    return Report(RunAgent(run_options));
  }
  return Report(CheckAgent(check_state, check_shim, std::cout));
}

}  // namespace
}  // namespace grange::session

int main(int argc, char** argv) {
  // The packaged Abseil looks for deadlocks at each lock, gRPC's included.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return grange::session::Main(argc, argv);
}
