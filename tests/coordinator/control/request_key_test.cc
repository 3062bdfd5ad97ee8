// Request keys: a call that is repeated is not done again (W3), and a key is good for its own call
// and token only (T4). Through gRPC, with a real store and a core that is cut off on demand.
#include "coordinator/control/request_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/rpc/channel.h"
#include "common/rpc/token_text.h"
#include "tests/coordinator/control/control_fixture.h"

namespace grange::control {
namespace {

using ::testing::HasSubstr;

class RequestKeyTest : public ControlFixture {
 protected:
  std::string RetryJob(const std::string& key, const std::string& token) {
    v1::JobAction request;
    request.set_job_id(5);
    request.set_request_key(key);
    return Do(&v1::Control::Stub::RetryJob, request, token);
  }
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
