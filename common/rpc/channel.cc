#include "common/rpc/channel.h"

#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace grange::rpc {

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ChannelOptions& options) {
  grpc::ChannelArguments arguments;
  Apply(options.keepalive, arguments);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  // So long a connection may take, its handshake included. When hundreds of agents come back at
  // once each waits for the others' handshakes: giving up early would only make more of them.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // repeats are ours, by request keys
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A channel of its own for each caller: no sharing of connections behind our back.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // The windows stay as HTTP/2 has them, 64 KiB each, and grow by the message that is waited for.
  if (options.small_window) arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  if (options.insecure) {
    if (!IsLoopback(options.address)) {
      return absl::InvalidArgumentError(
          absl::StrCat("plain text is allowed on loopback only, not to '", options.address,
                       "'; leave the flag out to use TLS"));
    }
    return grpc::CreateCustomChannel(options.address, grpc::InsecureChannelCredentials(),
                                     arguments);
  }
  if (options.ca_pem.empty()) {
    return absl::InvalidArgumentError("the coordinator's CA certificate is missing");
  }
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = options.ca_pem;
  return grpc::CreateCustomChannel(options.address, grpc::SslCredentials(ssl), arguments);
}

void AddBearer(grpc::ClientContext& context, absl::string_view token) {
  context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
}

std::string PeerAddress(absl::string_view peer) {
  if (!absl::ConsumePrefix(&peer, "ipv4:")) absl::ConsumePrefix(&peer, "ipv6:");
  return absl::StrReplaceAll(peer, {{"%5B", "["}, {"%5D", "]"}});
}

bool IsLoopback(absl::string_view address) {
  absl::string_view host = address;
  if (absl::StartsWith(host, "[")) {
    host = host.substr(1, host.find(']') - 1);
  } else if (const size_t colon = host.rfind(':');
             colon != absl::string_view::npos && host.find(':') == colon) {
    host = host.substr(0, colon);
  }
  // An address, not a name: "127.example.org" is anywhere.
  in_addr v4{};
  const bool is_v4 = inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1;
  return host == "localhost" || host == "::1" || (is_v4 && (ntohl(v4.s_addr) >> 24) == 127);
}

}  // namespace grange::rpc
