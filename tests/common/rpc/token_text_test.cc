#include "common/rpc/token_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace grange::rpc {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kFingerprint(64, 'a');

TEST(NewTokenTest, SaysItsKindAndIsNeverTheSame) {
  EXPECT_THAT(NewToken(TokenKind::kRegistration), StartsWith("grange-reg-"));
  EXPECT_THAT(NewToken(TokenKind::kUser), StartsWith("grange-user-"));
  EXPECT_THAT(NewToken(TokenKind::kAgent), StartsWith("grange-agent-"));
  EXPECT_NE(NewToken(TokenKind::kUser), NewToken(TokenKind::kUser));
}

TEST(NewTokenTest, TheSecretHas32BytesAndNeedsNoQuotes) {
  const std::string token = NewToken(TokenKind::kUser);
  const std::string secret = token.substr(std::string("grange-user-").size());
  EXPECT_GE(secret.size(), 43u);
  for (const char c : secret) EXPECT_TRUE(isalnum(c) || c == '-' || c == '_' || c == '=') << c;
}

TEST(TokenHashTest, TheFingerprintIsNoPartOfIt) {
  EXPECT_EQ(TokenHash("grange-reg-x"), TokenHash(absl::StrCat("grange-reg-x.", kFingerprint)));
  EXPECT_NE(TokenHash("grange-reg-x"), TokenHash("grange-reg-y"));
  EXPECT_EQ(TokenHash("").size(), 32u);
}

TEST(SplitRegistrationTokenTest, FindsTokenAndFingerprint) {
  const std::string token = NewToken(TokenKind::kRegistration);
  const auto split = SplitRegistrationToken(absl::StrCat(" ", token, ".", kFingerprint, "\n"));
  ASSERT_TRUE(split.ok()) << split.status();
  EXPECT_EQ(split->token, token);
  EXPECT_EQ(split->fingerprint, kFingerprint);
}

TEST(SplitRegistrationTokenTest, ACoordinatorWithoutTlsHasNoFingerprint) {
  const auto split = SplitRegistrationToken(NewToken(TokenKind::kRegistration));
  ASSERT_TRUE(split.ok()) << split.status();
  EXPECT_EQ(split->fingerprint, "");
}

TEST(SplitRegistrationTokenTest, RefusesWhatIsNone) {
  const std::string token = NewToken(TokenKind::kRegistration);
  const std::string cases[] = {
      "",
      "hello",
      NewToken(TokenKind::kUser),
      token.substr(0, 20),                             // cut while it was copied
      token + ".",                                     // without the fingerprint's digits
      absl::StrCat(token, ".", kFingerprint, "0"),     // one too many
      absl::StrCat(token, ".", std::string(64, 'g')),  // not hex
      absl::StrCat(token, ".", kFingerprint, ".x"),
  };
  for (const std::string& text : cases) {
    const absl::Status status = SplitRegistrationToken(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("grangectl token create"));
  }
}

}  // namespace
}  // namespace grange::rpc
