#ifndef GRANGE_COMMON_RPC_CHANNEL_H_
#define GRANGE_COMMON_RPC_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/rpc/keepalive.h"

namespace grange::rpc {

// Trailing metadata of a call: what a person should know beside its answer. ASCII.
inline constexpr char kNoticeKey[] = "grange-notice";
// Initial metadata of AgentHub.Get, for `grange-agent check`: the versions of the agent protocol that
// the coordinator speaks, and its wall clock in milliseconds since 1970.
inline constexpr char kProtocolMinKey[] = "grange-protocol-min";
inline constexpr char kProtocolMaxKey[] = "grange-protocol-max";
inline constexpr char kTimeKey[] = "grange-time-ms";

// Limits of the wire (docs/formats/agent-protocol.md §10).
inline constexpr size_t kControlMessageMax = 1 << 20;
inline constexpr size_t kFilePartMax = 256 << 10;

struct ChannelOptions {
  std::string address;    // "host:port"
  std::string ca_pem;     // the only CA that is trusted
  bool insecure = false;  // plain text; loopback only
  ClientKeepalive keepalive = {};
  // Not more than about 128 KiB are on their way until the reader takes some: who stops reading
  // fills its window, not the other side's socket, for which gRPC would keep a thread awake there.
  // Without it gRPC finds out what the link holds, on a fast one up to 16 MiB.
  bool small_window = false;
};

// A channel with the keepalive and reconnect settings of the protocol. Doesn't connect yet.
// kInvalidArgument for plain text to anything but loopback, or a missing CA.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options);

// "authorization: Bearer <token>" on this call.
void AddBearer(grpc::ClientContext& context, absl::string_view token);

// gRPC's name of a peer for people: "ipv4:192.0.2.7:41022" as "192.0.2.7:41022",
// "ipv6:%5B::1%5D:41022" as "[::1]:41022".
std::string PeerAddress(absl::string_view peer);

// True for 127.0.0.0/8, ::1 and localhost, with or without a port.
bool IsLoopback(absl::string_view address);

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_CHANNEL_H_
