#ifndef GRANGE_TESTS_COORDINATOR_CONTROL_CONTROL_FIXTURE_H_
#define GRANGE_TESTS_COORDINATOR_CONTROL_CONTROL_FIXTURE_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/mutex.h"
#include "common/rpc/channel.h"
#include "common/rpc/token_text.h"
#include "coordinator/control/control_service.h"
#include "tests/coordinator/control/fake_backend.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::control {

// grangectl's door in this process: real calls over loopback, a real store, a core that is made up.
class ControlFixture : public store::StoreFixture {
 protected:
  explicit ControlFixture(int wrong_tokens = session::GuessLimit::kWrongAtOnce)
      : guesses_(wrong_tokens) {}
  void SetUp() override {
    StoreFixture::SetUp();
#ifdef GRANGE_TSAN
    GTEST_SKIP() << "the packaged gRPC is not instrumented: what it does itself is reported";
#endif
    backend_ = std::make_unique<FakeBackend>(store());
    trace::TraceStore::Options traces;
    traces.dir = dir() + "/traces";
    traces_ = trace::TraceStore::Open(traces, store(), clock()).value();
    mirrors_ = std::make_unique<source::GitMirrors>(dir() + "/mirrors");
    service_ = std::make_unique<ControlService>(ControlService::Parts{.backend = *backend_,
                                                                      .store = store(),
                                                                      .traces = *traces_,
                                                                      .mirrors = *mirrors_,
                                                                      .feed = feed_,
                                                                      .clock = clock(),
                                                                      .guesses = guesses_,
                                                                      .calls = calls_,
                                                                      .ca_fingerprint = "",
                                                                      .started_at = clock().Now(),
                                                                      .watchers_max = watchers_max_});
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    stream_threads_ = std::make_unique<session::StreamThreads>(std::move(queue));
    service_->AcceptStreams(*stream_threads_);
    channel_ =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
    stub_ = v1::Control::NewStub(channel_);
    admin_ = MakeToken("admin");
  }
  void TearDown() override {
    stub_.reset();
    channel_.reset();
    feed_.Close();
    if (server_ != nullptr) server_->Shutdown();
    stream_threads_.reset();
    server_.reset();
    service_.reset();
    traces_.reset();
    StoreFixture::TearDown();
  }
  std::string MakeToken(const std::string& role) {
    std::string token = rpc::NewToken(rpc::TokenKind::kUser);
    store::TokenRow row;
    row.kind = store::TokenRow::Kind::kUser;
    row.hash = rpc::TokenHash(token);
    row.user = role;
    row.role = role;
    EXPECT_TRUE(store().CreateToken(row, "").ok());
    return token;
  }
  // "OK: <message>" or the error's message.
  template <typename Request, typename Call>
  std::string Do(Call call, const Request& request, const std::string& token) {
    grpc::ClientContext context;
    rpc::AddBearer(context, token);
    v1::ActionReply reply;
    const grpc::Status status = ((*stub_).*call)(&context, request, &reply);
    return status.ok() ? "OK: " + reply.message() : status.error_message();
  }
  int watchers_max_ = 100;  // from SetUp() on
  std::unique_ptr<FakeBackend> backend_;
  std::unique_ptr<trace::TraceStore> traces_;
  std::unique_ptr<source::GitMirrors> mirrors_;
  ChangeFeed feed_;
  session::GuessLimit guesses_;
  session::OpenCalls calls_;
  std::unique_ptr<ControlService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<session::StreamThreads> stream_threads_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Control::Stub> stub_;
  std::string admin_;
};

}  // namespace grange::control

#endif  // GRANGE_TESTS_COORDINATOR_CONTROL_CONTROL_FIXTURE_H_
