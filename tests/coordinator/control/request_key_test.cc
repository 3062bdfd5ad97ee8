// Request keys: a call that is repeated is not done again (W3), and a key is good for its own call
// and token only (T4). Through gRPC, with a real store and a core that is cut off on demand.
#include "coordinator/control/request_key.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/base/mutex.h"
#include "common/rpc/channel.h"
#include "common/rpc/token_text.h"
#include "coordinator/control/control_service.h"
#include "tests/coordinator/control/fake_backend.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::control {
namespace {

using ::testing::HasSubstr;

class RequestKeyTest : public store::StoreFixture {
 protected:
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
                                                                      .ca_fingerprint = "",
                                                                      .started_at = clock().Now()});
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::Control::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
    admin_ = MakeToken("admin");
  }
  void TearDown() override {
    stub_.reset();
    if (server_ != nullptr) server_->Shutdown();
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
  std::string RetryJob(const std::string& key, const std::string& token) {
    v1::JobAction request;
    request.set_job_id(5);
    request.set_request_key(key);
    return Do(&v1::Control::Stub::RetryJob, request, token);
  }

  std::unique_ptr<FakeBackend> backend_;
  std::unique_ptr<trace::TraceStore> traces_;
  std::unique_ptr<source::GitMirrors> mirrors_;
  ChangeFeed feed_;
  std::unique_ptr<ControlService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::Control::Stub> stub_;
  std::string admin_;
};

TEST_F(RequestKeyTest, W3ARetryThatIsRepeatedAfterACrashIsNotDoneTwice) {
  backend_->cut = true;
  EXPECT_EQ(RetryJob("key", admin_), "the coordinator is gone");
  backend_->cut = false;
  EXPECT_EQ(RetryJob("key", admin_), "OK: job 5 runs again");
  EXPECT_EQ(backend_->done, 1);
}

TEST_F(RequestKeyTest, W3TheSameCallTwiceAtOnceIsDoneOnce) {
  std::thread second;
  std::string answer;
  backend_->before_commit = [&] {
    second = std::thread([&] { answer = RetryJob("key", admin_); });
  };
  EXPECT_EQ(RetryJob("key", admin_), "OK: job 5 runs again");
  second.join();
  EXPECT_EQ(answer, "OK: job 5 runs again");
  EXPECT_EQ(backend_->done, 1);
}

TEST_F(RequestKeyTest, WithoutAKeyEveryCallCounts) {
  RetryJob("", admin_);
  RetryJob("", admin_);
  EXPECT_EQ(backend_->done, 2);
}

TEST_F(RequestKeyTest, T4AKeyOfAnotherTokenIsAnotherKey) {
  RetryJob("key", admin_);
  RetryJob("key", MakeToken("developer"));
  EXPECT_EQ(backend_->done, 2);
}

TEST_F(RequestKeyTest, T4AKeyOfAnotherCallIsAnotherKey) {
  RetryJob("key", admin_);
  v1::JobAction request;
  request.set_job_id(5);
  request.set_request_key("key");
  EXPECT_EQ(Do(&v1::Control::Stub::CancelJob, request, admin_), "OK: job 5 is being canceled");
  EXPECT_EQ(backend_->done, 2);
}

TEST_F(RequestKeyTest, W3AVariableIsRemovedOnceAndTheSecondCallIsAnsweredTheSame) {
  ASSERT_TRUE(store().SetVariable(project(), {.name = "A", .value = Secret("x")}).ok());
  v1::RemoveVariableRequest request;
  request.set_project("portal");
  request.set_name("A");
  request.set_request_key("key");
  const std::string first = Do(&v1::Control::Stub::RemoveVariable, request, admin_);
  EXPECT_EQ(first, "OK: project portal: variable A is removed");
  EXPECT_EQ(Do(&v1::Control::Stub::RemoveVariable, request, admin_), first);
  request.set_request_key("other");
  EXPECT_THAT(Do(&v1::Control::Stub::RemoveVariable, request, admin_), HasSubstr("there is no"));
}

TEST_F(RequestKeyTest, AKeyHasALimit) {
  EXPECT_THAT(RetryJob(std::string(257, 'k'), admin_), HasSubstr("at most 256"));
  EXPECT_EQ(RetryJob(std::string(256, 'k'), admin_), "OK: job 5 runs again");
}

}  // namespace
}  // namespace grange::control
