#include "tools/bench/stream_floor.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/rpc/channel.h"
#include "common/rpc/credentials.h"
#include "common/rpc/status.h"
#include "grange/v1/agent.grpc.pb.h"
#include "tools/bench/program.h"

namespace grange::bench {
namespace {

constexpr size_t kMessageBytes = 64 << 10;
constexpr std::chrono::seconds kTimeout(60);
constexpr char kHost[] = "127.0.0.1";

// Both services confirm once, with the number of all bytes, when the client has ended its side.
v1::TraceReply Confirm(uint64_t bytes) {
  v1::TraceReply reply;
  reply.mutable_ack()->set_durable(bytes);
  return reply;
}

class SynchronousService : public v1::AgentHub::Service {
 public:
  grpc::Status Trace(grpc::ServerContext*,
                     grpc::ServerReaderWriter<v1::TraceReply, v1::TraceMsg>* stream) override {
    uint64_t bytes = 0;
    v1::TraceMsg message;
    while (stream->Read(&message)) bytes += message.chunk().data().size();
    stream->Write(Confirm(bytes));
    return grpc::Status::OK;
  }
};

class CountingReactor : public grpc::ServerBidiReactor<v1::TraceMsg, v1::TraceReply> {
 public:
  CountingReactor() { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (ok) {
      bytes_ += message_.chunk().data().size();
      StartRead(&message_);
      return;
    }
    reply_ = Confirm(bytes_);
    StartWriteAndFinish(&reply_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  v1::TraceMsg message_;
  v1::TraceReply reply_;
  uint64_t bytes_ = 0;
};

class CallbackService : public v1::AgentHub::WithCallbackMethod_Trace<v1::AgentHub::Service> {
 public:
  grpc::ServerBidiReactor<v1::TraceMsg, v1::TraceReply>* Trace(
      grpc::CallbackServerContext*) override {
    return new CountingReactor();  // deletes itself in OnDone()
  }
};

absl::StatusOr<absl::Duration> SendAll(const rpc::ChannelOptions& options, uint64_t bytes) {
  GRANGE_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, rpc::MakeChannel(options));
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + kTimeout)) {
    return absl::UnavailableError("the stream server can't be reached");
  }
  const std::unique_ptr<v1::AgentHub::Stub> stub = v1::AgentHub::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);
  v1::TraceMsg message;
  message.mutable_chunk()->set_data(std::string(kMessageBytes, 'x'));
  const absl::Time start = absl::Now();
  const auto stream = stub->Trace(&context);
  for (uint64_t sent = 0; sent < bytes; sent += kMessageBytes) {
    if (!stream->Write(message)) break;  // Finish() says why
  }
  stream->WritesDone();
  v1::TraceReply reply;
  const bool confirmed = stream->Read(&reply) && reply.ack().durable() >= bytes;
  const absl::Duration time = absl::Now() - start;
  GRANGE_RETURN_IF_ERROR(rpc::FromGrpc(stream->Finish()));
  if (!confirmed) return absl::DataLossError("the stream server did not get all bytes");
  return time;
}

}  // namespace

absl::StatusOr<absl::Duration> TimeStream(const std::string& dir, ServerApi api, uint64_t bytes) {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(dir));
  GRANGE_ASSIGN_OR_RETURN(const rpc::KeyPair ca, rpc::LoadOrMakeCa(dir, absl::Now()));
  GRANGE_ASSIGN_OR_RETURN(
      Program server, Program::Start({"/proc/self/exe", "--stream-server",
                                      api == ServerApi::kSynchronous ? "synchronous" : "callback",
                                      "--stream-server-dir", dir}));
  GRANGE_ASSIGN_OR_RETURN(const std::string port, server.WaitForLine("ready "));
  return SendAll({.address = absl::StrCat(kHost, ":", port), .ca_pem = ca.certificate_pem}, bytes);
}

absl::Status RunStreamServer(const std::string& dir, ServerApi api) {
  GRANGE_ASSIGN_OR_RETURN(const rpc::KeyPair ca, rpc::LoadOrMakeCa(dir, absl::Now()));
  GRANGE_ASSIGN_OR_RETURN(const rpc::KeyPair pair,
                          rpc::IssueServerCertificate(ca, {kHost}, absl::Now()));
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({pair.key_pem, pair.certificate_pem});
  SynchronousService synchronous;
  CallbackService callback;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(absl::StrCat(kHost, ":0"), grpc::SslServerCredentials(tls), &port);
  if (api == ServerApi::kSynchronous) {
    builder.RegisterService(&synchronous);
  } else {
    builder.RegisterService(&callback);
  }
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) return absl::UnavailableError("no port for a stream server");
  std::printf("ready %d\n", port);
  std::fflush(stdout);
  server->Wait();
  return absl::OkStatus();
}

}  // namespace grange::bench
