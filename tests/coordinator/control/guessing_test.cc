// Who guesses tokens is slowed down, and nobody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/coordinator/control/control_fixture.h"

namespace grange::control {
namespace {

using ::testing::HasSubstr;

class GuessingTest : public ControlFixture {
 protected:
  grpc::Status Ask(const std::string& token) {
    grpc::ClientContext context;
    rpc::AddBearer(context, token);
    v1::ServerInfoReply reply;
    return stub_->ServerInfo(&context, v1::ServerInfoRequest(), &reply);
  }
};

TEST_F(GuessingTest, T7AfterTwentyWrongTokensOthersOfTheAddressWaitAndKnownOnesDoNot) {
  const std::string unseen = MakeToken("viewer");
  ASSERT_TRUE(Ask(admin_).ok());
  for (int i = 0; i < session::GuessLimit::kWrongAtOnce; ++i) {
    ASSERT_EQ(Ask(absl::StrCat("grange_user_", i)).error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
  const grpc::Status refused = Ask("grange_user_more");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("too many wrong tokens came from this address"));
  EXPECT_TRUE(Ask(admin_).ok());
  // It was never right from here: it waits like a guess.
  EXPECT_EQ(Ask(unseen).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace grange::control
