// Equal input gives equal bytes: every configuration of these tests is compiled in two processes of
// their own, in which hash tables have other seeds and memory other addresses.

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/os/child.h"
#include "gtest/gtest.h"
#include "tests/golden/golden_support.h"

namespace grange::pipeline {
namespace {

// What a run of this program's other tests notes.
std::string CompileAll(const std::filesystem::path& noted) {
  os::ChildOptions options;
  options.argv = {std::filesystem::read_symlink("/proc/self/exe"),
                  "--gtest_filter=-TwoProcessesTest.*", "--gtest_brief=1"};
  options.env = os::CurrentEnvironment();
  options.env->push_back(absl::StrCat("GRANGE_COMPILED=", noted.string()));
  const absl::StatusOr<os::RunResult> run = os::Run(options);
  EXPECT_TRUE(run.ok()) << run.status();
  const std::string text = ReadGoldenFile(noted);
  std::filesystem::remove(noted);
  return text;
}

TEST(TwoProcessesTest, CompileEverythingToEqualBytes) {
  const std::filesystem::path folder = ::testing::TempDir();
  const std::string first = CompileAll(folder / absl::StrCat("compiled-1-", getpid()));
  const std::string second = CompileAll(folder / absl::StrCat("compiled-2-", getpid()));
  EXPECT_GT(first.size(), 1'000'000u);
  EXPECT_TRUE(first == second) << "they differ at byte "
                               << std::mismatch(first.begin(), first.end(), second.begin(),
                                                second.end())
                                          .first -
                                      first.begin();
}

}  // namespace
}  // namespace grange::pipeline
