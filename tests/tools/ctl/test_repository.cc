#include "test_repository.h"

#include <gtest/gtest.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/os/child.h"
#include "common/os/files.h"

namespace grange::ctl {

TempDir::TempDir() {
  absl::StatusOr<std::string> dir = os::MakeTempDir("ctl-test");
  EXPECT_TRUE(dir.ok()) << dir.status();
  path_ = os::RealPath(*dir).value_or(*dir);
}

TempDir::~TempDir() { EXPECT_TRUE(os::RemoveTree(path_).ok()); }

std::string TempDir::File(absl::string_view name) const { return os::JoinPath(path_, name); }

void TempDir::Write(absl::string_view name, absl::string_view content, mode_t mode) const {
  const absl::Status written = os::WriteFile(File(name), content, mode);
  EXPECT_TRUE(written.ok()) << written;
}

TestRepository::TestRepository(const std::string& name) : path_(dir_.File(name)) {
  EXPECT_TRUE(os::MakeDirs(path_).ok());
  Git({"init", "--quiet", "--initial-branch=master"});
  Git({"config", "user.name", "Ada"});
  Git({"config", "user.email", "ada@example.org"});
}

void TestRepository::Write(absl::string_view file, absl::string_view content) const {
  const std::string path = os::JoinPath(path_, file);
  EXPECT_TRUE(os::MakeDirs(path.substr(0, path.rfind('/'))).ok());
  EXPECT_TRUE(os::WriteFile(path, content, 0644).ok());
}

std::string TestRepository::Commit(absl::string_view message) const {
  Git({"add", "--all"});
  Git({"commit", "--quiet", "--allow-empty", "-m", std::string(message)});
  return Git({"rev-parse", "HEAD"});
}

std::string TestRepository::Git(std::vector<std::string> args) const {
  os::ChildOptions options;
  options.argv = {"git", "-C", path_};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  options.env = os::CurrentEnvironment();
  options.env->push_back("GIT_CONFIG_GLOBAL=/dev/null");
  options.env->push_back("GIT_CONFIG_SYSTEM=/dev/null");
  const absl::StatusOr<os::RunResult> result = os::Run(options);
  EXPECT_TRUE(result.ok()) << result.status();
  if (!result.ok()) return "";
  EXPECT_TRUE(result->status.ok()) << absl::StrCat("git ", args[0], ": ", result->err);
  return std::string(absl::StripTrailingAsciiWhitespace(result->out));
}

}  // namespace grange::ctl
