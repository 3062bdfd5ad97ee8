#ifndef GRANGE_COORDINATOR_SESSION_OPEN_CALLS_H_
#define GRANGE_COORDINATOR_SESSION_OPEN_CALLS_H_

#include <grpcpp/server_context.h>

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/base/mutex.h"

namespace grange::session {

// Calls that may last (watching, logs, uploads, git), by the credential with which they came: when
// it is withdrawn they end at once. Both doors share one. Thread-safe.
class OpenCalls {
 public:
  // One call, for as long as this lives, which must be shorter than its context. To be made before
  // the credential is looked up: so none slips between the look-up and the withdrawal.
  class Call {
   public:
    Call(OpenCalls& calls, std::string hash, grpc::ServerContext& context);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    OpenCalls& calls_;
    const std::string hash_;
    grpc::ServerContext& context_;
  };

  // Cancels all calls of this credential (its hash); how many there were.
  int End(const std::string& hash) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  base::Mutex mu_;
  absl::flat_hash_map<std::string, absl::flat_hash_set<grpc::ServerContext*>> open_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_OPEN_CALLS_H_
