#include "agent/job/kept_counter.h"

#include <utility>
#include <vector>

#include "agent/workspace/kept_folders.h"
#include "agent/workspace/tree_size.h"

namespace grange::job {

using workspace::KeptFolder;
using workspace::KeptKind;

KeptCounter::KeptCounter(std::string state_dir, os::EventLoop& loop, const Clock& clock,
                         WorkerPool& workers, absl::Duration every)
    : state_dir_(std::move(state_dir)),
      loop_(loop),
      clock_(clock),
      workers_(workers),
      every_(every),
      stopped_(std::make_shared<std::atomic<bool>>(false)) {}

void KeptCounter::Stop() {
  *stopped_ = true;
  if (timer_ != 0) loop_.Cancel(std::exchange(timer_, 0));
}

void KeptCounter::Count() {
  if (*stopped_ || timer_ != 0) return;
  if (running_) {
    again_ = true;
    return;
  }
  const absl::Duration wait = last_run_ + every_ - clock_.SinceBoot();
  if (wait > absl::ZeroDuration()) {
    timer_ = loop_.After(wait, [this] {
      timer_ = 0;
      Count();
    });
    return;
  }
  running_ = true;
  last_run_ = clock_.SinceBoot();
  workers_.Run([this, loop = &loop_, stopped = stopped_, state_dir = state_dir_, known = folders_,
                now = clock_.Now()] {
    Counted counted = CountAll(state_dir, known, now, *stopped);
    loop->Post([this, stopped, counted = std::move(counted)]() mutable {
      if (*stopped) return;
      running_ = false;
      sizes_ = counted.sizes;
      folders_ = std::move(counted.folders);
      if (std::exchange(again_, false)) Count();
    });
  });
}

KeptCounter::Counted KeptCounter::CountAll(const std::string& state_dir, const Folders& known,
                                           absl::Time now, const std::atomic<bool>& stopped) {
  Counted counted;
  for (const KeptFolder& folder :
       workspace::ListKept(state_dir, workspace::KeepLimits(), now, stopped)) {
    if (stopped) break;
    const auto before = known.find(folder.path);
    const bool unused = before != known.end() && before->second.last_use == folder.last_use;
    const uint64_t bytes = unused ? before->second.bytes
                                  : workspace::BytesChangedSince(folder.path, absl::InfinitePast());
    counted.folders[folder.path] = {.last_use = folder.last_use, .bytes = bytes};
    switch (folder.kind) {
      case KeptKind::kWorkTree:
        ++counted.sizes.work_trees;
        counted.sizes.work_tree_bytes += bytes;
        break;
      case KeptKind::kMirror:
        ++counted.sizes.mirrors;
        counted.sizes.mirror_bytes += bytes;
        break;
    }
  }
  return counted;
}

}  // namespace grange::job
