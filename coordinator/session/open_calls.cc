#include "coordinator/session/open_calls.h"

#include <utility>

namespace grange::session {

OpenCalls::Call::Call(OpenCalls& calls, std::string hash, grpc::ServerContext& context)
    : calls_(calls), hash_(std::move(hash)), context_(context) {
  base::MutexLock lock(calls_.mu_);
  calls_.open_[hash_].insert(&context_);
}

OpenCalls::Call::~Call() {
  base::MutexLock lock(calls_.mu_);
  const auto found = calls_.open_.find(hash_);
  found->second.erase(&context_);
  if (found->second.empty()) calls_.open_.erase(found);
}

int OpenCalls::End(const std::string& hash) {
  // With the lock, so that no context goes meanwhile: TryCancel() neither waits nor calls back.
  base::MutexLock lock(mu_);
  const auto found = open_.find(hash);
  if (found == open_.end()) return 0;
  for (grpc::ServerContext* const context : found->second) context->TryCancel();
  return static_cast<int>(found->second.size());
}

}  // namespace grange::session
