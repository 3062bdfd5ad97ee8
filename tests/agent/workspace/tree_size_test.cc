#include "agent/workspace/tree_size.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "common/os/files.h"
#include "gtest/gtest.h"

namespace grange::workspace {
namespace {

class TreeSizeTest : public ::testing::Test {
 protected:
  TreeSizeTest() : dir_(os::MakeTempDir("grange-tree-size").value()) {}
  ~TreeSizeTest() override { os::RemoveTree(dir_).IgnoreError(); }
  // Its change time is later than that of all files before.
  absl::Time Write(const std::string& name, size_t bytes) {
    EXPECT_TRUE(os::MakeDirs((dir_ + "/" + name).substr(0, (dir_ + "/" + name).rfind('/'))).ok());
    EXPECT_TRUE(os::WriteFile(dir_ + "/" + name, std::string(bytes, 'x')).ok());
    struct stat info {};
    EXPECT_EQ(stat((dir_ + "/" + name).c_str(), &info), 0);
    return absl::TimeFromTimespec(info.st_ctim);
  }

  std::string dir_;
};

TEST_F(TreeSizeTest, CountsWhatAllFilesBelowTakeOnTheDisk) {
  Write("a", 100'000);
  Write("deep/er/b", 1'000'000);
  const uint64_t bytes = BytesChangedSince(dir_, absl::InfinitePast());
  EXPECT_GE(bytes, 1'100'000u);
  EXPECT_LT(bytes, 1'300'000u);
}

TEST_F(TreeSizeTest, LeavesOutWhatWasThereBefore) {
  const absl::Time before = Write("checkout", 1'000'000);
  EXPECT_EQ(BytesChangedSince(dir_, before + absl::Nanoseconds(1)), 0u);
  EXPECT_GE(BytesChangedSince(dir_, before), 1'000'000u);
}

TEST_F(TreeSizeTest, FollowsNoLinkAndMissesNothingElse) {
  ASSERT_EQ(symlink("/usr", (dir_ + "/usr").c_str()), 0);
  EXPECT_EQ(BytesChangedSince(dir_, absl::InfinitePast()), 0u);
  EXPECT_EQ(BytesChangedSince(dir_ + "/nothing", absl::InfinitePast()), 0u);
}

}  // namespace
}  // namespace grange::workspace
