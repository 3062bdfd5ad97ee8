#include "coordinator/control/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/rpc/token_text.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::control {
namespace {

using ::testing::HasSubstr;

class AccessTest : public store::StoreFixture {
 protected:
  std::string MakeToken(const std::string& role, absl::Time expires_at = absl::InfiniteFuture()) {
    std::string token = rpc::NewToken(rpc::TokenKind::kUser);
    store::TokenRow row;
    row.kind = store::TokenRow::Kind::kUser;
    row.hash = rpc::TokenHash(token);
    row.user = "eve";
    row.role = role;
    row.created_at = clock().Now();
    row.expires_at = expires_at;
    EXPECT_TRUE(store().CreateToken(row, "").ok());
    id_ = row.id;
    return token;
  }
  absl::StatusOr<User> Ask(absl::string_view token, Role needed) {
    return Authorize(store(), token, needed, clock().Now());
  }

  TokenId id_;  // of the newest token
};

TEST_F(AccessTest, EachRoleIncludesTheOnesBefore) {
  struct {
    const char* role;
    bool viewer, developer, admin;
  } const cases[] = {{"viewer", true, false, false},
                     {"developer", true, true, false},
                     {"admin", true, true, true}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.role);
    const std::string token = MakeToken(c.role);
    EXPECT_EQ(Ask(token, Role::kViewer).ok(), c.viewer);
    EXPECT_EQ(Ask(token, Role::kDeveloper).ok(), c.developer);
    EXPECT_EQ(Ask(token, Role::kAdmin).ok(), c.admin);
  }
}

TEST_F(AccessTest, ARefusalNamesBothRoles) {
  const absl::Status status = Ask(MakeToken("viewer"), Role::kAdmin).status();
  EXPECT_EQ(status, absl::PermissionDeniedError("this needs the role admin, 'eve' has viewer"));
}

TEST_F(AccessTest, TellsWhoItIs) {
  const absl::StatusOr<User> user = Ask(MakeToken("developer"), Role::kViewer);
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_EQ(user->name, "eve");
  EXPECT_EQ(user->role, Role::kDeveloper);
}

TEST_F(AccessTest, SaysWhyATokenOpensNothing) {
  const std::string revoked = MakeToken("admin");
  ASSERT_TRUE(store().RevokeToken(id_).ok());
  store::TokenRow registration;
  const std::string of_agents = rpc::NewToken(rpc::TokenKind::kRegistration);
  registration.hash = rpc::TokenHash(of_agents);
  registration.uses_left = 1;
  ASSERT_TRUE(store().CreateToken(registration, "").ok());
  struct {
    std::string token;
    const char* text;
  } const cases[] = {{"", "no token was sent"},
                     {"hello", "does not know this token"},
                     {rpc::NewToken(rpc::TokenKind::kUser), "does not know this token"},
                     {of_agents, "does not know this token"},
                     {revoked, "was revoked"},
                     {MakeToken("admin", clock().Now()), "expired at"}};
  for (const auto& c : cases) {
    const absl::Status status = Ask(c.token, Role::kViewer).status();
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.text));
  }
}

TEST_F(AccessTest, ATokenWorksUntilItsTime) {
  const std::string token = MakeToken("viewer", clock().Now() + absl::Hours(1));
  EXPECT_TRUE(Ask(token, Role::kViewer).ok());
  clock().Advance(absl::Hours(1));
  EXPECT_FALSE(Ask(token, Role::kViewer).ok());
}

TEST(RoleTest, NamesComeBackAndOthersAreRefused) {
  for (const Role role : {Role::kViewer, Role::kDeveloper, Role::kAdmin}) {
    EXPECT_EQ(*ParseRole(RoleName(role)), role);
  }
  for (const char* name : {"", "Admin", "root", "viewer "}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseRole(name).status())) << name;
  }
}

}  // namespace
}  // namespace grange::control
