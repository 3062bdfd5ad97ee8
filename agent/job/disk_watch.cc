#include "agent/job/disk_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/workspace/tree_size.h"
#include "common/log/log.h"
#include "common/os/files.h"

namespace grange::job {
namespace {

constexpr absl::Duration kLookEvery = absl::Seconds(2);

// Of the files directly in a folder: a job's folder has few, and nothing large below.
uint64_t FolderBytes(const std::string& folder) {
  uint64_t bytes = 0;
  for (const std::string& name : os::ListDir(folder).value_or(std::vector<std::string>())) {
    struct stat info {};
    if (lstat(os::JoinPath(folder, name).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    bytes += static_cast<uint64_t>(info.st_blocks) * 512;
  }
  return bytes;
}

DiskUse UseOf(const DiskPlace& place) {
  return {.assignment = place.assignment,
          .runs = place.runs,
          .spool_bytes = FolderBytes(place.folder),
          .work_tree_bytes = place.work_tree.empty()
                                 ? 0
                                 : workspace::BytesChangedSince(place.work_tree, place.began_at)};
}

}  // namespace

DiskWatch::DiskWatch(const DiskLimits& limits, std::string state_dir, os::EventLoop& loop,
                     const Clock& clock, WorkerPool& workers, Jobs& jobs)
    : limits_(limits),
      state_dir_(std::move(state_dir)),
      loop_(loop),
      clock_(clock),
      workers_(workers),
      jobs_(jobs),
      guard_(limits),
      alive_(std::make_shared<bool>(true)) {}

DiskWatch::~DiskWatch() {
  *alive_ = false;
  if (timer_ != 0) loop_.Cancel(timer_);
}

bool DiskWatch::OnRunning() {
  if (timer_ == 0) {
    timer_ = loop_.After(std::min(kLookEvery, limits_.fail_after / 4), [this] { Look(); });
  }
  return paused_;
}

void DiskWatch::Look() {
  timer_ = 0;
  const std::vector<DiskPlace> places = jobs_.DiskPlaces();
  const bool running = std::ranges::any_of(places, &DiskPlace::runs);
  const absl::StatusOr<uint64_t> free = os::FreeBytes(state_dir_);
  // Nobody is held up by a disk that nobody writes to.
  const uint64_t free_bytes = running && free.ok() ? *free : std::numeric_limits<uint64_t>::max();
  const DiskGuard::Order order = guard_.Look(free_bytes, clock_.SinceBoot());
  if (order.pause != paused_) {
    paused_ = order.pause;
    log::Warning(paused_ ? "disk_short" : "disk_no_longer_short",
                 {{"state", state_dir_}, {"free_bytes", free.value_or(0)}});
    jobs_.PauseOutput(paused_);
  }
  if (order.pause) jobs_.DropIdleWorkTrees();
  if (order.fail_largest) {
    Measure([this](const std::vector<DiskUse>& uses) {
      const std::optional<DiskUse> use = DiskGuard::ToFail(uses);
      if (use.has_value() && guard_.is_short()) jobs_.FailLargest(*use);
    });
  }
  if (running) OnRunning();
}

std::string DiskWatch::WhyNot() const {
  if (paused_) {
    return absl::StrCat("disk full: less than ", limits_.pause_free_bytes >> 20,
                        " MiB are free, and the jobs that run wait for space");
  }
  const uint64_t spool = SpoolBytes();
  if (spool <= limits_.spool_quota_bytes) return "";
  return absl::StrCat("disk full: the folders of jobs take ", spool >> 20, " MiB, more than the ",
                      limits_.spool_quota_bytes >> 20,
                      " MiB of --spool-quota; they go when the coordinator has the logs");
}

uint64_t DiskWatch::SpoolBytes() const {
  uint64_t bytes = 0;
  for (const DiskPlace& place : jobs_.DiskPlaces()) bytes += FolderBytes(place.folder);
  return bytes;
}

void DiskWatch::Judge(const Assignment& assignment, Answer answer) {
  const absl::StatusOr<uint64_t> free = os::FreeBytes(state_dir_);
  if (!free.ok() || !guard_.IsFull(*free)) return answer(false, std::nullopt);
  Measure([assignment, answer = std::move(answer)](const std::vector<DiskUse>& uses) {
    answer(true, DiskGuard::IfLargest(uses, assignment));
  });
}

void DiskWatch::Measure(std::function<void(const std::vector<DiskUse>&)> then) {
  workers_.Run([loop = &loop_, alive = alive_, places = jobs_.DiskPlaces(),
                then = std::move(then)]() mutable {
    std::vector<DiskUse> uses;
    uses.reserve(places.size());
    for (const DiskPlace& place : places) uses.push_back(UseOf(place));
    loop->Post([alive = std::move(alive), uses = std::move(uses), then = std::move(then)] {
      if (*alive) then(uses);
    });
  });
}

}  // namespace grange::job
