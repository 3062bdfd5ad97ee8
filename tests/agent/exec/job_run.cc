#include "job_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/notification.h"
#include "common/os/files.h"
#include "common/os/real_clock.h"
#include "gtest/gtest.h"

namespace grange::exec {
namespace {

constexpr char kShimProgram[] = GRANGE_BIN_DIR "/grange-shim";
constexpr absl::Duration kDeadline = absl::Seconds(30);

}  // namespace

JobRun::JobRun() {
  const absl::StatusOr<std::string> folder = os::MakeTempDir("grange-exec-test-");
  EXPECT_TRUE(folder.ok()) << folder.status();
  dir_ = folder.value_or("/nonexistent");
  workspace_ = dir_ + "-workspace";
  EXPECT_TRUE(os::MakeDirs(workspace_).ok());
  run_.cwd = workspace_;
  run_.env = {"PATH=/usr/bin:/bin", "HOME=" + workspace_};
  started_at_ = os::RealClock().SinceBoot();
  thread_ = std::thread([this] { loop_.Run(); });
}

JobRun::~JobRun() {
  bool running = false;
  OnLoop([this, &running] { running = shim_ != nullptr; });
  if (running && !ended()) {
    Cancel(absl::ZeroDuration(), true);
    UntilEnd();
  }
  ForgetShim();
  loop_.Stop();
  thread_.join();
  os::RemoveTree(dir_).IgnoreError();  // a leftover temporary folder harms no other test
  os::RemoveTree(workspace_).IgnoreError();
}

void JobRun::OnLoop(const std::function<void()>& task) {
  base::Notification done;
  loop_.Post([&task, &done] {
    task();
    done.Notify();
  });
  done.WaitForNotification();
}

ShimProcess::Callbacks JobRun::MakeCallbacks() {
  return {.on_output = [this] { Note(); },
          .on_end =
              [this](std::optional<ShimResult> result) {
                {
                  base::MutexLock lock(mu_);
                  EXPECT_FALSE(ended_);
                  ended_ = true;
                  result_ = std::move(result);
                }
                Note();
              }};
}

absl::Status JobRun::Launch(std::string script) {
  run_.script = std::move(script);
  started_at_ = os::RealClock().SinceBoot();
  absl::Status status;
  OnLoop([this, &status] {
    auto shim = ShimProcess::Launch(loop_, kShimProgram, dir_, run_, MakeCallbacks());
    if (shim.ok()) shim_ = *std::move(shim);
    status = shim.status();
  });
  return status;
}

absl::Status JobRun::Adopt(const ProcessKey& key) {
  absl::Status status;
  OnLoop([this, &key, &status] {
    auto shim = ShimProcess::Adopt(loop_, dir_, key, MakeCallbacks());
    if (shim.ok()) shim_ = *std::move(shim);
    status = shim.status();
  });
  return status;
}

void JobRun::ForgetShim() {
  OnLoop([this] { shim_.reset(); });
}

ProcessKey JobRun::key() {
  ProcessKey key;
  OnLoop([this, &key] { key = shim_->key(); });
  return key;
}

void JobRun::Cancel(absl::Duration grace, bool force) {
  OnLoop([this, grace, force] { shim_->Cancel(grace, force); });
}

void JobRun::ExtendLease(absl::Duration since_boot) {
  OnLoop([this, since_boot] { shim_->ExtendLease(since_boot); });
}

void JobRun::Pause(bool on) {
  OnLoop([this, on] { shim_->Pause(on); });
}

void JobRun::FailDiskFull(uint64_t bytes, bool into_work_tree) {
  OnLoop([this, bytes, into_work_tree] { shim_->FailDiskFull(bytes, into_work_tree); });
}

void JobRun::Note() {
  base::MutexLock lock(mu_);
  ++events_;
  happened_.SignalAll();
}

bool JobRun::ended() {
  base::MutexLock lock(mu_);
  return ended_;
}

void JobRun::Until(const std::function<bool()>& condition) {
  const absl::Duration deadline = os::RealClock().SinceBoot() + kDeadline;
  while (true) {
    uint64_t seen;
    {
      base::MutexLock lock(mu_);
      seen = events_;
    }
    if (condition()) return;
    base::MutexLock lock(mu_);
    while (events_ == seen) {
      const absl::Duration left = deadline - os::RealClock().SinceBoot();
      if (left <= absl::ZeroDuration()) {
        ADD_FAILURE() << "waited too long; the log so far: " << log();
        return;
      }
      happened_.WaitWithTimeout(mu_, left);
    }
  }
}

void JobRun::UntilPrinted(const std::string& text) {
  Until([this, &text] { return absl::StrContains(log(), text); });
}

void JobRun::UntilLines(size_t count) {
  Until([this, count] {
    const std::string text = log();
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) >= count;
  });
}

std::optional<ShimResult> JobRun::UntilEnd() {
  Until([this] { return ended(); });
  base::MutexLock lock(mu_);
  return result_;
}

ShimResult JobRun::Finish(std::string script) {
  const absl::Status launched = Launch(std::move(script));
  EXPECT_TRUE(launched.ok()) << launched;
  if (!launched.ok()) return ShimResult{};
  const std::optional<ShimResult> result = UntilEnd();
  EXPECT_TRUE(result.has_value());
  return result.value_or(ShimResult{});
}

std::string JobRun::log() const {
  return os::ReadFile(os::JoinPath(dir_, "log"), uint64_t{1} << 30).value_or("");
}

std::string JobRun::Written(const std::string& name) const {
  return os::ReadFile(os::JoinPath(workspace_, name)).value_or("");
}

absl::Duration JobRun::elapsed() const { return os::RealClock().SinceBoot() - started_at_; }

bool IsAlive(pid_t pid) {
  const absl::StatusOr<std::string> stat = os::ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  if (!stat.ok()) return false;
  const size_t name_end = stat->rfind(')');
  return name_end != std::string::npos && stat->size() > name_end + 2 &&
         (*stat)[name_end + 2] != 'Z';
}

bool IsAlive(const std::string& pid) {
  pid_t number = 0;
  EXPECT_TRUE(absl::SimpleAtoi(pid, &number)) << "'" << pid << "' is no pid";
  return IsAlive(number);
}

}  // namespace grange::exec
