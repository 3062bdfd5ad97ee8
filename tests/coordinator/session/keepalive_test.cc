// Pings of an idle session, over real gRPC, with the programs' times twenty times shorter.
#include "common/rpc/keepalive.h"

#include <arpa/inet.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/mutex.h"
#include "common/os/unique_fd.h"
#include "common/rpc/channel.h"
#include "grange/v1/agent.grpc.pb.h"

namespace grange::session {
namespace {

constexpr absl::Duration kDeadline = absl::Seconds(120);  // only fails

// Counts the pings in one direction of an HTTP/2 connection, from its first byte on.
class PingCount {
 public:
  // How many have begun in `bytes`, which follow those of the last call.
  int Add(const char* bytes, size_t size) {
    int pings = 0;
    while (size > 0) {
      const size_t skipped = std::min(skip_, size);
      skip_ -= skipped;
      bytes += skipped;
      size -= skipped;
      if (size == 0) break;
      header_ += *bytes;
      ++bytes;
      --size;
      if (header_.size() < kHeader) continue;
      const auto at = [this](int i) { return static_cast<uint8_t>(header_[i]); };
      skip_ = size_t{at(0)} << 16 | size_t{at(1)} << 8 | at(2);
      if (at(3) == kPing && (at(4) & kAck) == 0) ++pings;
      header_.clear();
    }
    return pings;
  }

 private:
  static constexpr size_t kPreface = 24, kHeader = 9;
  static constexpr uint8_t kPing = 6, kAck = 1;
  size_t skip_ = kPreface;
  std::string header_;
};

// Passes one connection on and counts the client's pings.
class CountingRelay {
 public:
  explicit CountingRelay(int to_port) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, to_port] { Run(to_port); });
  }
  // After the client's channel has gone.
  ~CountingRelay() { thread_.join(); }

  int port() const { return port_; }
  // Whether so many came before the connection was over.
  bool WaitForPings(int count) {
    const absl::Time until = absl::Now() + kDeadline;
    base::MutexLock lock(mu_);
    while (pings_ < count && !over_ && absl::Now() < until) {
      changed_.WaitWithTimeout(mu_, absl::Seconds(1));
    }
    return pings_ >= count;
  }

 private:
  static sockaddr_in Loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    return address;
  }

  void Run(int to_port) {
    const os::UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
    const os::UniqueFd server(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address = Loopback(to_port);
    EXPECT_EQ(::connect(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    PingCount count;
    pollfd ends[2] = {{client.get(), POLLIN, 0}, {server.get(), POLLIN, 0}};
    while (::poll(ends, 2, -1) > 0) {
      char bytes[16384];
      bool open = true;
      for (int i = 0; i < 2 && open; ++i) {
        if (ends[i].revents == 0) continue;
        const ssize_t got = ::read(ends[i].fd, bytes, sizeof bytes);
        open =
            got > 0 && ::send(ends[1 - i].fd, bytes, static_cast<size_t>(got), MSG_NOSIGNAL) == got;
        if (open && i == 0) Add(count.Add(bytes, static_cast<size_t>(got)));
      }
      if (!open) break;
    }
    base::MutexLock lock(mu_);
    over_ = true;
    changed_.SignalAll();
  }
  void Add(int pings) {
    base::MutexLock lock(mu_);
    pings_ += pings;
    changed_.SignalAll();
  }

  const os::UniqueFd listener_;
  int port_ = 0;
  base::Mutex mu_;
  base::CondVar changed_;
  int pings_ ABSL_GUARDED_BY(mu_) = 0;
  bool over_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

// Takes control streams and says nothing on them.
class SilentHub : public v1::AgentHub::Service {
 public:
  grpc::Status Control(grpc::ServerContext*,
                       grpc::ServerReaderWriter<v1::HubMsg, v1::AgentMsg>* stream) override {
    v1::AgentMsg message;
    while (stream->Read(&message)) {
    }
    return grpc::Status::OK;
  }
};

// An idle control stream on a connection of its own.
class IdleSession {
 public:
  IdleSession(int port, const rpc::ClientKeepalive& keepalive) : relay_(port) {
    channel_ = rpc::MakeChannel({.address = absl::StrCat("127.0.0.1:", relay_.port()),
                                 .ca_pem = "",
                                 .insecure = true,
                                 .keepalive = keepalive})
                   .value();
    stub_ = v1::AgentHub::NewStub(channel_);
    stream_ = stub_->Control(&context_);
    // gRPC looks at a connection while somebody waits for it.
    reader_ = std::thread([this] {
      v1::HubMsg message;
      while (stream_->Read(&message)) {
      }
    });
  }

  bool WaitForPings(int count) { return relay_.WaitForPings(count); }
  grpc::Status End() {
    stream_->WritesDone();
    reader_.join();
    return stream_->Finish();
  }

 private:
  CountingRelay relay_;  // ends after the channel
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::AgentHub::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMsg, v1::HubMsg>> stream_;
  std::thread reader_;
};

// So many idle sessions at once, each seen until `pings` of its client have passed or it was cut
// off. How many saw all of them, and the first error.
struct Seen {
  int sessions = 0;
  std::string error;
};
Seen SeePings(int sessions, const rpc::ClientKeepalive& client, const rpc::ServerKeepalive& server,
              int pings) {
  SilentHub hub;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  rpc::Apply(server, builder);
  builder.RegisterService(&hub);
  const std::unique_ptr<grpc::Server> serving = builder.BuildAndStart();
  std::vector<std::unique_ptr<IdleSession>> idle;
  for (int i = 0; i < sessions; ++i) idle.push_back(std::make_unique<IdleSession>(port, client));
  Seen seen;
  for (const std::unique_ptr<IdleSession>& session : idle) {
    const bool all_came = session->WaitForPings(pings);
    const grpc::Status status = session->End();
    if (all_came && status.ok()) ++seen.sessions;
    if (seen.error.empty()) seen.error = status.error_message();
  }
  idle.clear();
  serving->Shutdown(absl::ToChronoTime(absl::Now()));
  return seen;
}

class KeepaliveTest : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef GRANGE_TSAN
    GTEST_SKIP() << "the packaged gRPC is not instrumented: what it does itself is reported";
#endif
  }
};

TEST_F(KeepaliveTest, N11_AnIdleSessionIsNotCutOffForItsPings) {
  constexpr int kSessions = 30, kPings = 10, kFaster = 20;  // gRPC sends no two pings in a second
  const rpc::ClientKeepalive client;
  const rpc::ServerKeepalive server;
  const Seen seen =
      SeePings(kSessions, {.ping_after = client.ping_after / kFaster, .answer_within = kDeadline},
               {.ping_after = kDeadline,
                .answer_within = kDeadline,
                .pings_apart = server.pings_apart / kFaster},
               kPings);
  EXPECT_EQ(seen.sessions, kSessions) << seen.error;
}

TEST_F(KeepaliveTest, N11_PingsThatComeTooOftenAreNoticedByThisTest) {
  const Seen seen = SeePings(
      1, {.ping_after = absl::Seconds(1), .answer_within = kDeadline},
      {.ping_after = kDeadline, .answer_within = kDeadline, .pings_apart = absl::Seconds(60)}, 10);
  EXPECT_EQ(seen.sessions, 0);
  EXPECT_TRUE(absl::StrContains(seen.error, "Too many pings")) << seen.error;
}

TEST(KeepaliveTimesTest, N11_TheCoordinatorAllowsMorePingsThanAgentsSend) {
  EXPECT_LE(2 * rpc::ServerKeepalive().pings_apart, rpc::ClientKeepalive().ping_after);
}

}  // namespace
}  // namespace grange::session
