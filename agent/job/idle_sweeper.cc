#include "agent/job/idle_sweeper.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/workspace/kept_folders.h"
#include "agent/workspace/tree_size.h"
#include "common/log/log.h"
#include "common/os/files.h"

namespace grange::job {
namespace {

using workspace::KeptFolder;
using workspace::KeptKind;

// So many are named in the log, the oldest first.
constexpr size_t kNamesMax = 10;

struct Aside {
  KeptFolder folder;
  std::string path;  // where it is now
};

bool Remove(const std::string& path) {
  const absl::Status removed = os::RemoveTree(path);
  if (!removed.ok()) log::Warning("folder_not_removed", {{"why", removed}});
  return removed.ok();
}

struct Tally {
  size_t count = 0;
  uint64_t bytes = 0;
  absl::Time oldest = absl::InfiniteFuture();
  std::vector<std::string> names;  // below the state directory
};

void RemoveAll(const std::vector<Aside>& asides, size_t state_dir_size,
               const std::atomic<bool>& stopped) {
  std::map<KeptKind, Tally> tallies;
  for (const Aside& aside : asides) {
    if (stopped) break;
    const uint64_t bytes = workspace::BytesChangedSince(aside.path, absl::InfinitePast());
    if (!Remove(aside.path)) continue;
    Tally& tally = tallies[aside.folder.kind];
    ++tally.count;
    tally.bytes += bytes;
    tally.oldest = std::min(tally.oldest, aside.folder.last_use);
    if (tally.names.size() < kNamesMax) {
      tally.names.push_back(aside.folder.path.substr(state_dir_size + 1));
    }
  }
  for (const auto& [kind, tally] : tallies) {
    log::Info("idle_folders_removed", {{"kind", workspace::KeptKindName(kind)},
                                       {"count", tally.count},
                                       {"bytes", tally.bytes},
                                       {"oldest", absl::FormatTime(tally.oldest)},
                                       {"folders", absl::StrJoin(tally.names, " ")}});
  }
}

}  // namespace

IdleSweeper::IdleSweeper(const SweepSettings& settings, std::string state_dir, os::EventLoop& loop,
                         const Clock& clock, WorkerPool& workers, InUse in_use)
    : settings_(settings),
      state_dir_(std::move(state_dir)),
      loop_(loop),
      clock_(clock),
      workers_(workers),
      in_use_(std::move(in_use)),
      stopped_(std::make_shared<std::atomic<bool>>(false)) {}

void IdleSweeper::Run() {
  const absl::Duration now = clock_.SinceBoot();
  if (running_ || *stopped_ || now - last_run_ < settings_.every) return;
  running_ = true;
  last_run_ = now;
  workers_.Run([this, loop = &loop_, stopped = stopped_, state_dir = state_dir_,
                keep = settings_.keep, now = clock_.Now()] {
    for (const std::string& path : workspace::LeftAside(state_dir)) {
      if (*stopped) return;
      Remove(path);
    }
    loop->Post([this, stopped, folders = workspace::ListKept(state_dir, keep, now, *stopped)] {
      if (!*stopped) TakeAway(folders);
    });
  });
}

void IdleSweeper::TakeAway(std::vector<KeptFolder> folders) {
  const std::set<std::string> in_use = in_use_();
  for (KeptFolder& folder : folders) folder.in_use = in_use.count(folder.path) > 0;
  const absl::Time now = clock_.Now();
  std::vector<Aside> asides;
  for (const size_t i : workspace::PlanSweep(folders, settings_.keep, now)) {
    const absl::StatusOr<std::string> path = workspace::PutAside(folders[i], now);
    if (path.ok()) {
      asides.push_back({folders[i], *path});
    } else if (!absl::IsNotFound(path.status())) {
      log::Warning("folder_not_removed", {{"why", path.status()}});
    }
  }
  workers_.Run([this, loop = &loop_, stopped = stopped_, asides = std::move(asides),
                state_dir_size = state_dir_.size()] {
    RemoveAll(asides, state_dir_size, *stopped);
    loop->Post([this, stopped, removed = !asides.empty()] {
      if (*stopped) return;
      running_ = false;
      if (removed && on_removed_) on_removed_();
    });
  });
}

}  // namespace grange::job
