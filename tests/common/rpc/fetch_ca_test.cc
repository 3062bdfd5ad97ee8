#include "common/rpc/fetch_ca.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"
#include "common/rpc/channel.h"
#include "common/rpc/credentials.h"

namespace grange::rpc {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLong = absl::Seconds(30);

// A gRPC server on loopback with a certificate of a CA of its own.
class FetchCaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = *os::MakeTempDir("grange-fetch-test");
    ca_ = *LoadOrMakeCa(dir_, absl::Now());
  }
  void TearDown() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    ASSERT_TRUE(os::RemoveTree(dir_).ok());
  }

  // Its address.
  std::string Serve(const std::vector<std::string>& names) {
    const absl::StatusOr<KeyPair> pair = IssueServerCertificate(ca_, names, absl::Now());
    EXPECT_TRUE(pair.ok()) << pair.status();
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs.push_back(
        {.private_key = pair->key_pem, .cert_chain = pair->certificate_pem});
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
    return absl::StrCat("127.0.0.1:", port);
  }
  std::string fingerprint() const { return *Fingerprint(ca_.certificate_pem); }

  std::string dir_;
  KeyPair ca_;
  grpc::CallbackGenericService service_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(FetchCaTest, GivesTheCaThatTheFingerprintNames) {
  const std::string address = Serve({"127.0.0.1"});
  const absl::StatusOr<std::string> pem = FetchCa(address, fingerprint(), kLong);
  ASSERT_TRUE(pem.ok()) << pem.status();
  EXPECT_EQ(*Fingerprint(*pem), fingerprint());
  EXPECT_TRUE(FetchCa(address, absl::AsciiStrToUpper(fingerprint()), kLong).ok());
}

TEST_F(FetchCaTest, AChannelThatTrustsItReachesTheServer) {
  const std::string address = Serve({"127.0.0.1"});
  const auto channel = MakeChannel(
      {.address = address, .ca_pem = *FetchCa(address, fingerprint(), kLong), .insecure = false});
  ASSERT_TRUE(channel.ok()) << channel.status();
  EXPECT_TRUE(
      (*channel)->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30)));
}

TEST_F(FetchCaTest, AnotherFingerprintIsRefused) {
  const std::string address = Serve({"127.0.0.1"});
  const absl::Status status = FetchCa(address, std::string(64, '0'), kLong).status();
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  EXPECT_TRUE(absl::IsUnauthenticated(FetchCa(address, "", kLong).status()));
}

TEST_F(FetchCaTest, ACertificateForOtherNamesIsSaidWithThoseItIsFor) {
  const std::string address = Serve({"build.example.org", "10.1.2.3", "::1"});
  const absl::Status status = FetchCa(address, fingerprint(), kLong).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("build.example.org, 10.1.2.3, ::1"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--name 127.0.0.1"));
}

// A socket that listens on loopback; nobody accepts unless a test does.
os::UniqueFd Listen(std::string& address) {
  os::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
  EXPECT_EQ(listen(fd.get(), 1), 0);
  EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  address = absl::StrCat("127.0.0.1:", ntohs(name.sin_port));
  return fd;
}

TEST_F(FetchCaTest, APortWithoutAListenerIsUnavailable) {
  std::string address;
  { const os::UniqueFd closed = Listen(address); }
  const absl::Status status = FetchCa(address, fingerprint(), kLong).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(address));
}

TEST_F(FetchCaTest, AServerThatSaysNothingIsUnavailableAfterTheTimeout) {
  std::string address;
  const os::UniqueFd silent = Listen(address);
  const absl::Status status = FetchCa(address, fingerprint(), absl::Milliseconds(50)).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("no answer from " + address));
}

TEST_F(FetchCaTest, AnAddressWithoutAPortIsRefused) {
  for (const char* address : {"", "localhost", "localhost:", ":7420"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(FetchCa(address, fingerprint(), kLong).status()))
        << address;
  }
}

}  // namespace
}  // namespace grange::rpc
