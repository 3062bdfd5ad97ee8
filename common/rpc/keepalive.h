#ifndef GRANGE_COMMON_RPC_KEEPALIVE_H_
#define GRANGE_COMMON_RPC_KEEPALIVE_H_

#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>

#include "absl/time/time.h"

namespace grange::rpc {

// How each side finds out that the other one is gone although no message is due
// (docs/formats/agent-protocol.md §3). The defaults are what the programs use; only tests take
// others.
struct ClientKeepalive {
  absl::Duration ping_after = absl::Seconds(20);  // of silence
  absl::Duration answer_within = absl::Seconds(10);
};
struct ServerKeepalive {
  absl::Duration ping_after = absl::Seconds(30);
  absl::Duration answer_within = absl::Seconds(10);
  // A client whose pings are closer together three times is cut off with "too_many_pings".
  absl::Duration pings_apart = absl::Seconds(10);
};
static_assert(ServerKeepalive().pings_apart < ClientKeepalive().ping_after,
              "the coordinator would cut off its agents for their pings");

void Apply(const ClientKeepalive& keepalive, grpc::ChannelArguments& arguments);
void Apply(const ServerKeepalive& keepalive, grpc::ServerBuilder& builder);

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_KEEPALIVE_H_
