#include "coordinator/trace/folder_syncer.h"

#include <utility>

#include "common/os/files.h"

namespace grange::trace {

FolderSyncer::FolderSyncer() : thread_([this] { Run(); }) {}

FolderSyncer::~FolderSyncer() {
  {
    base::MutexLock lock(mu_);
    stop_ = true;
    wanted_.Signal();
  }
  thread_.join();
}

FolderSyncer::Ticket FolderSyncer::Request(const std::string& folder) {
  base::MutexLock lock(mu_);
  waiting_[folder] = ++last_;
  wanted_.Signal();
  return last_;
}

absl::Status FolderSyncer::Wait(Ticket ticket) {
  base::MutexLock lock(mu_);
  while (finished_ < ticket) done_.Wait(mu_);
  // Any failure of its round counts: a sync too many harms nobody.
  return ticket > failed_from_ && ticket <= failed_ ? failure_ : absl::OkStatus();
}

void FolderSyncer::Run() {
  while (true) {
    std::map<std::string, Ticket> round;
    Ticket newest = 0;
    {
      base::MutexLock lock(mu_);
      while (waiting_.empty() && !stop_) wanted_.Wait(mu_);
      if (waiting_.empty()) return;
      round.swap(waiting_);
      newest = last_;
    }
    absl::Status failure;
    for (const auto& [folder, ticket] : round) {
      const absl::Status status = os::SyncDir(folder);
      if (!status.ok()) failure = status;
    }
    base::MutexLock lock(mu_);
    if (!failure.ok()) {
      // Of the failures only the newest range is kept whole; an older one that nobody has waited
      // for yet joins it.
      if (failed_ == 0) failed_from_ = finished_;
      failed_ = newest;
      failure_ = std::move(failure);
    }
    finished_ = newest;
    done_.SignalAll();
  }
}

}  // namespace grange::trace
