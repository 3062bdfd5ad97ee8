#include "agent/exec/job_account.h"

#include <sys/stat.h>

#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::exec {
namespace {

using ::testing::HasSubstr;

TEST(ResolveAccountsTest, TakesNamesNumbersAndRanges) {
  const auto accounts = ResolveAccounts({"daemon", "4000001", "4000010-4000012"}, 5);
  ASSERT_TRUE(accounts.ok()) << accounts.status();
  ASSERT_EQ(accounts->size(), 5U);
  EXPECT_EQ((*accounts)[0].name, "daemon");
  EXPECT_NE((*accounts)[0].ids.uid, 0U);
  EXPECT_NE((*accounts)[0].home, "");
  EXPECT_EQ((*accounts)[1].ids.uid, 4000001U);
  EXPECT_EQ((*accounts)[1].ids.gid, 4000001U);
  EXPECT_EQ((*accounts)[1].home, "");
  EXPECT_EQ((*accounts)[4].ids.uid, 4000012U);
}

TEST(ResolveAccountsTest, J9_RefusesWhatWouldNotKeepJobsApart) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"nobody-knows-me"}, "there is no user 'nobody-knows-me'; make it, or give numbers"},
      {{"root"}, "'root' is root, which jobs must not be"},
      {{"0"}, "is root"},
      {{"0-3"}, "is root"},
      {{"daemon", "daemon"}, "'daemon' is named twice"},
      {{"4000001-4000003", "4000002"}, "'4000002' is named twice"},
      {{"4000001"}, "this agent has 2 slots and each needs a user of its own, but 1 is named"},
      {{"9-8"}, "no range"},
      {{"1-4294967295"}, "no range"},
      {{"1-2000000"}, "no range"}};
  for (const auto& [wanted, text] : cases) {
    const absl::Status status = ResolveAccounts(wanted, 2).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << wanted[0];
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
  }
}

TEST(CheckCanPassTest, NamesTheFolderThatIsClosed) {
  const std::string dir = os::MakeTempDir("grange-account-test-").value();
  const JobAccount account{.ids = {.uid = 4000001, .gid = 4000001, .groups = {}},
                           .name = "4000001",
                           .home = "",
                           .shell = ""};
  ASSERT_TRUE(os::MakeDirs(dir + "/inner", 0755).ok());
  ASSERT_EQ(chmod(dir.c_str(), 0700), 0);
  const absl::Status closed = CheckCanPass(account, dir + "/inner");
  EXPECT_TRUE(absl::IsFailedPrecondition(closed)) << closed;
  EXPECT_THAT(std::string(closed.message()), HasSubstr("'" + dir + "' has the mode 0700"));
  ASSERT_EQ(chmod(dir.c_str(), 0711), 0);
  EXPECT_TRUE(CheckCanPass(account, dir + "/inner").ok());
  EXPECT_TRUE(os::RemoveTree(dir).ok());
}

}  // namespace
}  // namespace grange::exec
