// B7: from the call that cancels a job to the death of the last process of its group.
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "tools/bench/farm.h"
#include "tools/bench/fifo.h"
#include "tools/bench/measure/process_table.h"
#include "tools/bench/measure/statistics.h"
#include "tools/bench/rows.h"

namespace grange::bench {
namespace {

constexpr char kFile[] = "sleep.yml";
constexpr int kCancels = 50;
constexpr absl::Duration kStartTimeout = absl::Seconds(30);
constexpr int kDeathTimeoutMs = 30'000;
// The shell of the job says who it is, then waits for a child: two processes to be killed.
constexpr char kScript[] = "echo $$ > \"$BENCH_FIFO\"; sleep 1000; true";

std::string SleepConfig() {
  return absl::StrCat("sleep:\n  variables: {GIT_STRATEGY: none}\n  script:\n    - '", kScript,
                      "'\n");
}

// The living members of a process group, watched for their death.
class WatchedGroup {
 public:
  // The group of the process with this id, once it has `members` members.
  static absl::StatusOr<WatchedGroup> Of(absl::string_view pid_text, size_t members) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(pid_text, &pid)) return absl::InternalError("the job said no process id");
    WatchedGroup group;
    group.id_ = getpgid(pid);
    const absl::Time until = absl::Now() + kStartTimeout;
    std::vector<pid_t> pids;
    while (pids.size() < members) {
      if (absl::Now() > until) return absl::DeadlineExceededError("the job did not start");
      pids = MembersOfGroup(group.id_);
    }
    for (const pid_t member : pids) {
      group.pidfds_.emplace_back(static_cast<int>(syscall(SYS_pidfd_open, member, 0)));
    }
    return group;
  }

  absl::Status WaitForDeath() const {
    for (const os::UniqueFd& pidfd : pidfds_) {
      pollfd wait{pidfd.get(), POLLIN, 0};
      if (poll(&wait, 1, kDeathTimeoutMs) != 1) {
        return absl::DeadlineExceededError("a canceled job does not end");
      }
    }
    return absl::OkStatus();
  }

  pid_t id() const { return id_; }

 private:
  pid_t id_ = 0;
  std::vector<os::UniqueFd> pidfds_;
};

Sample ToSample(const std::vector<double>& times) {
  return {.values = {Quantile(times, 0.5), Quantile(times, 0.95), Quantile(times, 0.99)},
          .work = kCancels};
}

class CancelRow : public Row {
 public:
  explicit CancelRow(std::string dir) : dir_(std::move(dir)) {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    GRANGE_ASSIGN_OR_RETURN(
        farm_, Farm::Start(dir_ + "/farm", {{"noop.yml", NoopConfig(1)}, {kFile, SleepConfig()}}));
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    GRANGE_ASSIGN_OR_RETURN(Fifo fifo, Fifo::Make(dir_ + "/fifo"));
    std::vector<double> times;
    for (int i = 0; i < kCancels; ++i) {
      GRANGE_ASSIGN_OR_RETURN(const int64_t pipeline,
                              farm_->Submit(kFile, {{"BENCH_FIFO", fifo.path()}}));
      GRANGE_ASSIGN_OR_RETURN(const FarmClient::Job job, farm_->client().FirstJob(pipeline));
      GRANGE_ASSIGN_OR_RETURN(const std::string pid, fifo.ReadLine(kStartTimeout));
      GRANGE_ASSIGN_OR_RETURN(const WatchedGroup group, WatchedGroup::Of(pid, 2));
      const absl::Time start = absl::Now();
      GRANGE_RETURN_IF_ERROR(farm_->client().CancelJob(job.id));
      GRANGE_RETURN_IF_ERROR(group.WaitForDeath());
      times.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
      GRANGE_RETURN_IF_ERROR(farm_->client().WaitFor(pipeline, "canceled"));
    }
    return ToSample(times);
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    GRANGE_ASSIGN_OR_RETURN(Fifo fifo, Fifo::Make(dir_ + "/fifo"));
    std::vector<double> times;
    for (int i = 0; i < kCancels; ++i) {
      GRANGE_ASSIGN_OR_RETURN(
          Program shell,
          Program::Start(
              {"bash", "-c", absl::StrCat("BENCH_FIFO='", fifo.path(), "'\n", kScript)}));
      GRANGE_ASSIGN_OR_RETURN(const std::string pid, fifo.ReadLine(kStartTimeout));
      GRANGE_ASSIGN_OR_RETURN(const WatchedGroup group, WatchedGroup::Of(pid, 2));
      const absl::Time start = absl::Now();
      kill(-group.id(), SIGTERM);
      GRANGE_RETURN_IF_ERROR(group.WaitForDeath());
      times.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
      shell.Wait();
    }
    return ToSample(times);
  }

  std::vector<pid_t> processes() const override { return farm_->processes(); }

 private:
  const Description description_ = {
      .id = "B7",
      .title = "cancel of a running job, until its process group is dead",
      .floor = "`kill` of the same group",
      .figures = {{"p50", "ms", {Goal::Kind::kFloorPlusAtMost, 5}}, {"p95", "ms"}, {"p99", "ms"}},
      .work_unit = "job"};
  const std::string dir_;
  std::unique_ptr<Farm> farm_;
};

}  // namespace

std::unique_ptr<Row> NewCancelRow(const std::string& dir) {
  return std::make_unique<CancelRow>(dir);
}

}  // namespace grange::bench
