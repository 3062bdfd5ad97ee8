#include "common/rpc/server_credentials.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "common/rpc/tls_probe.h"

namespace grange::rpc {
namespace {

// The server's own certificate, as a new connection sees it.
std::string Shown(int port) {
  const absl::StatusOr<HostPort> target = SplitHostPort(absl::StrCat("127.0.0.1:", port));
  const absl::StatusOr<os::UniqueFd> fd = ConnectTcp(*target, absl::Seconds(10));
  if (!fd.ok()) return "";
  const absl::StatusOr<std::vector<std::string>> chain =
      FetchChain(fd->get(), *target, absl::Seconds(10));
  return chain.ok() && !chain->empty() ? chain->front() : "";
}

TEST(ServerCredentialsTest, N13EachHandshakeShowsThePairOfItsMoment) {
  const std::string dir = os::MakeTempDir("grange-credentials-test").value();
  const KeyPair ca = LoadOrMakeCa(dir, absl::Now()).value();
  const KeyPair first = IssueServerCertificate(ca, {"127.0.0.1"}, absl::Now()).value();
  const KeyPair second = IssueServerCertificate(ca, {"127.0.0.1"}, absl::Now()).value();
  const auto pair = std::make_shared<ServedPair>(first);
  const std::shared_ptr<grpc::ServerCredentials> credentials = ReloadingServerCredentials(pair);
  grpc::CallbackGenericService service;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
  {
    grpc::ServerBuilder builder;  // which goes before the first handshake
    builder.AddListeningPort("127.0.0.1:0", credentials, &port);
    builder.RegisterCallbackGenericService(&service);
    server = builder.BuildAndStart();
  }
  ASSERT_NE(server, nullptr);

  EXPECT_TRUE(absl::StartsWith(first.certificate_pem, Shown(port)));
  EXPECT_TRUE(absl::StartsWith(first.certificate_pem, Shown(port)));
  pair->Replace(second);
  EXPECT_TRUE(absl::StartsWith(second.certificate_pem, Shown(port)));
  EXPECT_NE(Shown(port), "");

  server->Shutdown(std::chrono::system_clock::now());
  server.reset();
  ASSERT_TRUE(os::RemoveTree(dir).ok());
}

}  // namespace
}  // namespace grange::rpc
