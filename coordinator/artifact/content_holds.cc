#include "coordinator/artifact/content_holds.h"

namespace grange::artifact {

void ContentHolds::Hold(const std::string& sha256) {
  base::MutexLock lock(mu_);
  while (removing_.contains(sha256)) removed_.Wait(mu_);
  ++held_[sha256];
}

void ContentHolds::Release(const std::string& sha256) {
  base::MutexLock lock(mu_);
  const auto found = held_.find(sha256);
  if (--found->second == 0) held_.erase(found);
}

bool ContentHolds::BeginRemoval(const std::string& sha256) {
  base::MutexLock lock(mu_);
  return !held_.contains(sha256) && removing_.insert(sha256).second;
}

void ContentHolds::EndRemoval(const std::string& sha256) {
  base::MutexLock lock(mu_);
  removing_.erase(sha256);
  removed_.SignalAll();
}

}  // namespace grange::artifact
