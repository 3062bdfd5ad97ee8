#include "agent/shim/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/shim/boot_clock.h"
#include "agent/shim/job_cgroup.h"
#include "agent/shim/script_start.h"

namespace grange::shim {
namespace {

constexpr uint64_t kSettleQuietMs = 100;
constexpr uint64_t kSettleMaxMs = 2000;
// The same once the output is closed.
constexpr uint64_t kLeaveQuietMs = 20;
constexpr uint64_t kLeaveMaxMs = 500;
constexpr uint64_t kSweepMaxMs = 5000;  // what is still there then hangs in the kernel
constexpr int kSweepRoundMs = 20;
constexpr size_t kNamesMax = 10;
constexpr std::string_view kStatusVariable = "CI_JOB_STATUS=";
// Tells an agent whose shim was killed which processes belong to this job.
constexpr std::string_view kFolderVariable = "GRANGE_JOB_FOLDER=";

void SetVariable(std::string_view name_and_equals, std::string_view value,
                 std::vector<std::string>* env) {
  std::erase_if(*env, [&](const std::string& variable) {
    return std::string_view(variable).substr(0, name_and_equals.size()) == name_and_equals;
  });
  env->push_back(std::string(name_and_equals) + std::string(value));
}

uint64_t Micros(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000 + static_cast<uint64_t>(time.tv_usec);
}

std::vector<int> Numbers(const std::vector<OwnedFd>& descriptors) {
  std::vector<int> numbers;
  for (const OwnedFd& descriptor : descriptors) numbers.push_back(descriptor.get());
  return numbers;
}

uint64_t After(uint64_t now, uint64_t delay) { return delay > kNever - now ? kNever : now + delay; }

}  // namespace

Supervisor::Supervisor(Parts parts)
    : parts_(std::move(parts)),
      cgroup_(parts_.spec.cgroups, parts_.spec.memory_limit_bytes, parts_.spec.pids_limit),
      env_(parts_.spec.env),
      disk_wait_(parts_.spec.disk_patience_ms == 0 ? kDiskPatienceMs
                                                   : parts_.spec.disk_patience_ms) {
  SetVariable(kFolderVariable, parts_.folder.path(), &env_);
  if (parts_.spec.lease_until_ms != 0) lease_until_ms_ = parts_.spec.lease_until_ms;
}

int Supervisor::Run() {
  const uint64_t started = BootMicros();
  if (!parts_.spec.trace_prefix.empty()) {
    parts_.spool.BeginSection(OutputMark::kPrepare);
    parts_.spool.Add(parts_.spec.trace_prefix);
    parts_.spool.EndSection();
    NoteGrown();
  }
  RunScript();
  RunAfterScript();
  FinishLog(started / 1000);
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  result_.trace_bytes = parts_.spool.log_bytes();
  result_.dropped_bytes = parts_.spool.dropped_bytes();
  result_.cpu_us = Micros(usage.ru_utime) + Micros(usage.ru_stime);
  result_.max_rss_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  result_.duration_us = BootMicros() - started;
  cgroup_.Remove();  // if it can't be, an agent does it later
  return parts_.folder.WriteResult(result_);
}

void Supervisor::RunScript() {
  const RunSpec& spec = parts_.spec;
  if (!RunStage(Stage::kScript, "script", spec.script, spec.timeout_ms)) return;
  const int status = tree_.main_status().value_or(SIGKILL);
  if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
  if (WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
}

bool Supervisor::AfterScriptIsDue() const {
  if (parts_.spec.after_script.empty() || forced_) return false;
  switch (result_.reason) {
    case EndReason::kExited:
    case EndReason::kCanceled:
    case EndReason::kMemoryLimit:
    case EndReason::kPidsLimit:
    case EndReason::kAgentDrained:
      return true;
    case EndReason::kTimeout:
    case EndReason::kLeaseLost:
    case EndReason::kPrepareFailed:
    case EndReason::kDiskFull:
    case EndReason::kTraceLimit:
      return false;
  }
  return false;
}

void Supervisor::RunAfterScript() {
  if (!AfterScriptIsDue()) return;
  const bool success =
      result_.reason == EndReason::kExited && result_.exit_code == 0 && result_.signal == 0;
  SetVariable(kStatusVariable,
              result_.reason == EndReason::kCanceled ? "canceled"
              : success                              ? "success"
                                                     : "failed",
              &env_);
  const RunResult before = result_;
  if (!RunStage(Stage::kAfterScript, "after_script", parts_.spec.after_script,
                parts_.spec.after_script_timeout_ms)) {
    result_.exit_code = before.exit_code;
    if (result_.reason == EndReason::kPrepareFailed) result_.reason = before.reason;
    return;
  }
  const int status = tree_.main_status().value_or(SIGKILL);
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
    AddDetail("after_script failed with exit status " + std::to_string(WEXITSTATUS(status)));
  } else if (WIFSIGNALED(status)) {
    AddDetail("after_script was killed by signal " + std::to_string(WTERMSIG(status)));
  }
}

bool Supervisor::RunStage(Stage stage, const char* name, const std::string& text,
                          uint64_t timeout_ms) {
  stage_ = stage;
  kill_at_ms_ = kNever;
  ended_at_ms_ = kNever;
  children_left_ = true;
  if (LeaseIsOver(BootMillis())) {
    result_.reason = EndReason::kLeaseLost;
    AddDetail(std::string(name) + " was not started: the lease was over");
    return false;
  }
  if (!Start(text)) return false;
  parts_.spool.BeginSection(stage == Stage::kScript ? OutputMark::kScript
                                                    : OutputMark::kAfterScript);
  timeout_at_ms_ = timeout_ms == 0 ? kNever : After(BootMillis(), timeout_ms);
  while (!StageIsOver(BootMillis())) Wait();
  KeepLimits(kNever);
  Sweep();
  const uint64_t told = parts_.spool.log_bytes();
  parts_.spool.DrainPipe();
  parts_.spool.EndSection();
  if (parts_.spool.log_bytes() != told) NoteGrown();
  return true;
}

bool Supervisor::Start(const std::string& text) {
  std::array<int, 2> ends = {-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    result_.reason = EndReason::kPrepareFailed;
    AddDetail(std::string("cannot make a pipe for the output: ") + std::strerror(errno));
    return false;
  }
  parts_.spool.SetPipe(OwnedFd(ends[0]));
  const OwnedFd write_end(ends[1]);
  const std::vector<OwnedFd> doors = OpenCgroup();
  if (doors.size() != cgroup_.doors()) return false;
  const OwnedFd cgroup_folder = cgroup_.OpenFolder();
  const StartedScript started = StartScript({.shell = parts_.spec.shell,
                                             .script = text,
                                             .env = env_,
                                             .cwd = parts_.spec.cwd,
                                             .output_fd = write_end.get(),
                                             .umask = parts_.umask,
                                             .cgroup_doors = Numbers(doors),
                                             .cgroup_folder = cgroup_folder.get(),
                                             .user = parts_.spec.user,
                                             .no_new_privs = parts_.spec.no_new_privs});
  if (started.pid < 0) {
    result_.reason = EndReason::kPrepareFailed;
    result_.exit_code = 127;
    AddDetail(started.detail);
    return false;
  }
  tree_.SetMain(started.pid);
  parts_.folder.RecordGroup(started.pid);
  return true;
}

bool Supervisor::StageIsOver(uint64_t now) const {
  if (kill_at_ms_ <= now) return true;
  if (!tree_.main_status()) return false;
  if (!children_left_) return true;
  if (kill_at_ms_ != kNever) return tree_.GroupIsEmpty();
  // What it still has to say is not listened to now: its silence means nothing.
  if (!parts_.spool.takes() && parts_.spool.pipe() >= 0) return false;
  return now >= output_at_ms_ + QuietMs() || now >= SettledBy();
}

bool Supervisor::IsSettling() const {
  return ended_at_ms_ != kNever && kill_at_ms_ == kNever &&
         (parts_.spool.takes() || parts_.spool.pipe() < 0);
}

uint64_t Supervisor::QuietMs() const {
  return parts_.spool.pipe() < 0 ? kLeaveQuietMs : kSettleQuietMs;
}

uint64_t Supervisor::SettledBy() const {
  return parts_.spool.pipe() < 0 ? closed_at_ms_ + kLeaveMaxMs : ended_at_ms_ + kSettleMaxMs;
}

void Supervisor::Sweep() {
  cgroup_.HoldForks();
  const bool left_over = tree_.main_status().has_value();
  if (!left_over) tree_.SignalGroup(SIGKILL);  // at once; the rest takes a look at all processes
  const uint64_t give_up_at = BootMillis() + kSweepMaxMs;
  while (tree_.Reap()) {
    if (BootMillis() >= give_up_at) {
      AddDetail("a process of the job could not be killed");
      break;
    }
    tree_.KillAll();
    pollfd child = {.fd = parts_.signals.get(), .events = POLLIN, .revents = 0};
    poll(&child, 1, kSweepRoundMs);
    ClearSignals();
  }
  if (left_over && !over_limit_) NoteKilled();
}

void Supervisor::NoteKilled() {
  if (tree_.killed().empty()) return;
  std::string note = "killed " + std::to_string(tree_.killed().size()) +
                     (tree_.killed().size() == 1 ? " process" : " processes") +
                     " that the script left:";
  size_t count = 0;
  for (const auto& [pid, name] : tree_.killed()) {
    if (++count > kNamesMax) {
      note += ", …";
      break;
    }
    note += (count == 1 ? " " : ", ") + name + " (" + std::to_string(pid) + ")";
  }
  AddDetail(note);
}

void Supervisor::Wait() {
  enum Slot { kSignals, kTimer, kListener, kPipe, kFirstAgent };
  std::array<pollfd, kFirstAgent + AgentDoor::kAgentsMax> slots{};
  const auto watch = [&slots](size_t slot, int fd) { slots[slot] = {fd, POLLIN, 0}; };
  parts_.timer.Set(NextDeadline());
  watch(kSignals, parts_.signals.get());
  watch(kTimer, parts_.timer.fd());
  watch(kListener, parts_.door.listener());
  watch(kPipe, parts_.spool.takes() ? parts_.spool.pipe() : -1);
  for (size_t i = 0; i < AgentDoor::kAgentsMax; ++i) watch(kFirstAgent + i, parts_.door.agent(i));
  if (poll(slots.data(), slots.size(), -1) < 0) return;

  if (slots[kPipe].revents != 0) TakeOutput();
  for (size_t i = 0; i < AgentDoor::kAgentsMax; ++i) {
    if (slots[kFirstAgent + i].revents != 0) TakeMessages(i);
  }
  if (slots[kListener].revents != 0) parts_.door.Accept(parts_.spool.log_bytes());
  if (slots[kTimer].revents != 0) parts_.timer.Clear();
  if (slots[kSignals].revents != 0) {
    ClearSignals();
    children_left_ = tree_.Reap();
    if (cgroup_.exists()) look_at_limits_ms_ = 0;  // it may have been killed at the memory limit
    if (tree_.main_status() && ended_at_ms_ == kNever) {
      ended_at_ms_ = BootMillis();
      output_at_ms_ = closed_at_ms_ = ended_at_ms_;
    }
  }
  KeepDeadlines(BootMillis());
}

uint64_t Supervisor::NextDeadline() const {
  const uint64_t of_disk = std::min(log_sync_.due(), disk_wait_.due());
  if (stage_ == Stage::kEnded) return of_disk;
  uint64_t next = std::min(kill_at_ms_, look_at_limits_ms_);
  if (IsSettling()) next = std::min(output_at_ms_ + QuietMs(), SettledBy());
  if (ended_at_ms_ == kNever && kill_at_ms_ == kNever) next = std::min(next, timeout_at_ms_);
  if (parts_.spec.stop_on_disconnect && result_.reason != EndReason::kLeaseLost) {
    next = std::min(next, lease_until_ms_);
  }
  return std::min(next, of_disk);
}

bool Supervisor::LeaseIsOver(uint64_t now) const {
  return parts_.spec.stop_on_disconnect && now >= lease_until_ms_;
}

void Supervisor::KeepDeadlines(uint64_t now) {
  KeepDisk(now);
  if (stage_ == Stage::kEnded) return;
  NoteDiskError();
  NoteTraceLimit();
  KeepLimits(now);
  if (LeaseIsOver(now) && result_.reason != EndReason::kLeaseLost) {
    Stop(EndReason::kLeaseLost, parts_.spec.stop_grace_ms);
    SetReason(EndReason::kLeaseLost);
  }
  if (ended_at_ms_ == kNever && kill_at_ms_ == kNever && now >= timeout_at_ms_) {
    if (stage_ == Stage::kAfterScript) AddDetail("after_script ran into its timeout");
    Stop(EndReason::kTimeout, parts_.spec.stop_grace_ms);
  }
  // On a machine with much to do, what still writes is silent for longer than it means to.
  if (IsSettling() && children_left_ && now >= output_at_ms_ + QuietMs() && now < SettledBy() &&
      tree_.IsBusy()) {
    output_at_ms_ = now;
  }
}

void Supervisor::TakeMessages(size_t place) {
  for (const ShimMessage& message : parts_.door.Read(place)) {
    if (message.kind == ShimMessage::kCancel) Cancel(message.detail != 0, message.value);
    if (message.kind == ShimMessage::kLease) lease_until_ms_ = message.value;
    if (message.kind == ShimMessage::kPause) SetPaused(message.detail != 0);
    if (message.kind == ShimMessage::kDiskFull) FailAsLargest(message);
    // The end of an after_script is near anyway, and what its script came to is known.
    if (message.kind == ShimMessage::kDrained && stage_ == Stage::kScript) {
      Stop(EndReason::kAgentDrained, message.value);
    }
  }
  // Who has asked for it may have died before it could take it back.
  if (!parts_.door.has_agent()) SetPaused(false);
}

void Supervisor::ClearSignals() {
  signalfd_siginfo info{};
  while (read(parts_.signals.get(), &info, sizeof info) == sizeof info) {
  }
}

void Supervisor::Cancel(bool force, uint64_t grace_ms) {
  if (force) {
    forced_ = true;
    SetReason(EndReason::kCanceled);
    kill_at_ms_ = 0;
    if (stage_ == Stage::kEnded) parts_.spool.GiveUp(ENOSPC);
    return;
  }
  if (stage_ == Stage::kEnded) return;  // its output only waits for space
  // A cancel is repeated as long as it is wanted; the after_script of a canceled job goes on.
  if (stage_ == Stage::kAfterScript && result_.reason == EndReason::kCanceled) return;
  Stop(EndReason::kCanceled, grace_ms);
}

void Supervisor::Stop(EndReason reason, uint64_t grace_ms) {
  const uint64_t kill_at = After(BootMillis(), grace_ms);
  if (kill_at_ms_ != kNever) {
    kill_at_ms_ = std::min(kill_at_ms_, kill_at);
    return;
  }
  kill_at_ms_ = std::min(kill_at, kNever - 1);
  if (!(stage_ == Stage::kAfterScript && reason == EndReason::kTimeout)) SetReason(reason);
  tree_.SignalGroup(SIGTERM);
  tree_.SignalGroup(SIGCONT);  // a stopped process would not notice
}

// The first reason stands; but a lease that is lost matters to who may run the job now.
void Supervisor::SetReason(EndReason reason) {
  if (result_.reason == EndReason::kExited || reason == EndReason::kLeaseLost) {
    result_.reason = reason;
  }
}

void Supervisor::AddDetail(const std::string& text) {
  if (!result_.detail.empty()) result_.detail += "; ";
  result_.detail += text;
}

}  // namespace grange::shim
