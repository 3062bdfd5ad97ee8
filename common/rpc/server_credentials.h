#ifndef GRANGE_COMMON_RPC_SERVER_CREDENTIALS_H_
#define GRANGE_COMMON_RPC_SERVER_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <cstdint>
#include <memory>

#include "common/base/mutex.h"
#include "common/rpc/credentials.h"

namespace grange::rpc {

// The certificate that a server shows, and shows from now on. Connections that stand keep the one
// with which they began. Thread-safe.
class ServedPair {
 public:
  // gRPC trusts it blindly: CheckPair() first.
  explicit ServedPair(KeyPair pair) : pair_(std::move(pair)) {}

  void Replace(KeyPair pair);
  KeyPair Get() const;
  // Grows with each Replace(); 1 at first.
  int64_t version() const;

 private:
  mutable base::Mutex mu_;
  KeyPair pair_ ABSL_GUARDED_BY(mu_);
  int64_t version_ ABSL_GUARDED_BY(mu_) = 1;
};

// TLS for a server that asks `pair` at each handshake (docs/adr/0018). Unlike other credentials these
// must outlive the server: gRPC keeps their inner part only, and that calls back into them.
std::shared_ptr<grpc::ServerCredentials> ReloadingServerCredentials(
    std::shared_ptr<ServedPair> pair);

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_SERVER_CREDENTIALS_H_
