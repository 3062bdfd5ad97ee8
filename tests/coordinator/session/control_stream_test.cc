// The agents' streams over real gRPC, with an agent that does not read.
#include "coordinator/session/control_stream.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/rpc/channel.h"
#include "common/rpc/token_text.h"
#include "coordinator/artifact/artifact_store.h"
#include "coordinator/session/agent_service.h"
#include "coordinator/source/git_mirror.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coordinator/session/hub_bench.h"

namespace grange::session {
namespace {

constexpr int kMessages = 400;
constexpr size_t kMessageBytes =
    60'000;  // together more than any window of a stream that is not read

// A hub that serves agents on a port of its own.
class Served {
 public:
  explicit Served(HubBench& bench)
      : mirrors_(bench.dir() + "/mirrors"), service_(bench.hub(), Artifacts(bench), mirrors_) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    std::unique_ptr<grpc::ServerCompletionQueue> streams = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    threads_ = std::make_unique<StreamThreads>(std::move(streams));
    service_.AcceptStreams(*threads_);
    channel_ =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
  }
  ~Served() {
    channel_.reset();
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
    server_->Wait();
    threads_.reset();
  }

  const std::shared_ptr<grpc::Channel>& channel() { return channel_; }

 private:
  artifact::ArtifactStore& Artifacts(HubBench& bench) {
    artifact::ArtifactStore::Options options;
    options.dir = bench.dir() + "/artifacts";
    artifacts_ = artifact::ArtifactStore::Open(options).value();
    return *artifacts_;
  }

  std::unique_ptr<artifact::ArtifactStore> artifacts_;
  source::GitMirrors mirrors_;
  AgentService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<StreamThreads> threads_;
  std::shared_ptr<grpc::Channel> channel_;
};

// A control stream whose agent says Hello and then reads nothing, while messages for it pile up.
class DeafAgent {
 public:
  DeafAgent(HubBench& bench, Served& served) : stub_(v1::AgentHub::NewStub(served.channel())) {
    rpc::AddBearer(context_, bench.credential());
    stream_ = stub_->Control(&context_);
    v1::AgentMsg message;
    *message.mutable_hello() = bench.Hello(1);
    EXPECT_TRUE(stream_->Write(message));
    EXPECT_TRUE(bench.WaitFor<schedule::AgentConnected>());
    for (int i = 0; i < kMessages; ++i) {
      bench.hub().SendRevoke({.agent = bench.agent(),
                              .session = schedule::SessionId(1),
                              .assignment = {JobId(1), 1, Fence{1}},
                              .reason = std::string(kMessageBytes, 'x')});
    }
  }

  // Reads at last what came through, and how the call ended.
  grpc::Status End() {
    v1::HubMsg message;
    while (stream_->Read(&message)) ++read_;
    return stream_->Finish();
  }
  int read() const { return read_; }

 private:
  std::unique_ptr<v1::AgentHub::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMsg, v1::HubMsg>> stream_;
  int read_ = 0;
};

class ControlStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef GRANGE_TSAN
    GTEST_SKIP() << "the packaged gRPC is not instrumented: what it does itself is reported";
#endif
  }
};

TEST_F(ControlStreamTest, N3AnAgentThatDoesNotReadIsGoneAtTheLimitOfItsSilence) {
  HubBench bench({.silence_limit = absl::Seconds(1)});
  Served served(bench);
  DeafAgent agent(bench, served);
  EXPECT_TRUE(bench.WaitFor<schedule::AgentDisconnected>());
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_LT(agent.read(), kMessages);
}

TEST_F(ControlStreamTest, T2ARevokedAgentThatDoesNotReadIsGoneWithinFiveSeconds) {
  HubBench bench;
  Served served(bench);
  DeafAgent agent(bench, served);
  const absl::Duration begun = bench.clock().SinceBoot();
  bench.hub().EndSessionsOf(bench.agent(), absl::UnauthenticatedError("revoked"));
  EXPECT_TRUE(bench.WaitFor<schedule::AgentDisconnected>());
  EXPECT_LT(bench.clock().SinceBoot() - begun, absl::Seconds(5));
}

TEST_F(ControlStreamTest, T2AnUploadUnderWayEndsWithItsCredential) {
  HubBench bench;
  Served served(bench);
  const std::unique_ptr<v1::AgentHub::Stub> stub = v1::AgentHub::NewStub(served.channel());
  grpc::ClientContext context;
  rpc::AddBearer(context, bench.credential());
  v1::FileReply reply;
  const std::unique_ptr<grpc::ClientWriter<v1::FilePart>> upload = stub->Put(&context, &reply);
  const std::string hash = rpc::TokenHash(bench.credential());
  // The call is known to the hub before its first message is read.
  const absl::Duration until = bench.clock().SinceBoot() + absl::Seconds(10);
  int ended = 0;
  while (ended == 0 && bench.clock().SinceBoot() < until) ended = bench.hub().calls().End(hash);
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(upload->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(bench.hub().calls().End("another"), 0);
}

TEST_F(ControlStreamTest, N10AStreamWithoutAHelloEndsAtTheLimit) {
  HubBench bench({.silence_limit = absl::Milliseconds(200)});
  Served served(bench);
  const std::unique_ptr<v1::AgentHub::Stub> stub = v1::AgentHub::NewStub(served.channel());
  grpc::ClientContext context;
  rpc::AddBearer(context, "anybody");
  const auto stream = stub->Control(&context);
  v1::HubMsg message;
  EXPECT_FALSE(stream->Read(&message));
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_F(ControlStreamTest, N10AHelloThatIsTooLargeIsRefused) {
  HubBench bench;
  Served served(bench);
  const std::unique_ptr<v1::AgentHub::Stub> stub = v1::AgentHub::NewStub(served.channel());
  grpc::ClientContext context;
  rpc::AddBearer(context, bench.credential());
  const auto stream = stub->Control(&context);
  v1::AgentMsg message;
  *message.mutable_hello() = bench.Hello(1);
  message.mutable_hello()->set_version(std::string((1 << 20) + 1, 'v'));
  stream->Write(message);
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(status.error_message().find("hello is larger than"), std::string::npos);
}

}  // namespace
}  // namespace grange::session
