#ifndef GRANGE_COORDINATOR_SESSION_CALL_CANCELER_H_
#define GRANGE_COORDINATOR_SESSION_CALL_CANCELER_H_

#include <grpcpp/server_context.h>

#include "absl/base/thread_annotations.h"
#include "common/base/mutex.h"

namespace grange::session {

// Ends a call at once, whatever gRPC does with it at the moment: a write that the peer does not
// take fails too. Shared by the stream and those who may end it; does nothing before the call has
// come and once it is over. Thread-safe.
class CallCanceler {
 public:
  void Cancel() ABSL_LOCKS_EXCLUDED(mu_) {
    // With the lock held, so that the call does not end meanwhile; TryCancel() only asks.
    base::MutexLock lock(mu_);
    if (context_ != nullptr) context_->TryCancel();
  }
  void SetCall(grpc::ServerContext* context) ABSL_LOCKS_EXCLUDED(mu_) {  // null: it is over
    base::MutexLock lock(mu_);
    context_ = context;
  }

 private:
  base::Mutex mu_;
  grpc::ServerContext* context_ ABSL_GUARDED_BY(mu_) = nullptr;
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_CALL_CANCELER_H_
