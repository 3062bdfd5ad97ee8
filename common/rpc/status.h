#ifndef GRANGE_COMMON_RPC_STATUS_H_
#define GRANGE_COMMON_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace grange::rpc {

// The codes are the same numbers on both sides; only the types differ.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_STATUS_H_
