#ifndef GRANGE_TESTS_COORDINATOR_SOURCE_GIT_MIRROR_FIXTURE_H_
#define GRANGE_TESTS_COORDINATOR_SOURCE_GIT_MIRROR_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/os/files.h"
#include "coordinator/source/git_mirror.h"

namespace grange::source {

inline constexpr ProjectId kProject(7);
inline constexpr int kSocketInChild = 9;

// A repository of a user, and the mirrors of a coordinator.
class GitMirrorFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = *os::MakeTempDir("grange-git-test");
    ASSERT_TRUE(os::MakeDirs(work()).ok());
    Git({"init", "--quiet", "-b", "main", "."});
    Write("README", "hello\n");
    Write("ci/base.yml", "base: {}\n");
    first_ = CommitAll("First line\n\nBody of it.");
    mirrors_ = std::make_unique<GitMirrors>(dir_ + "/mirrors");
  }
  void TearDown() override {
    EXPECT_FALSE(os::Exists(canary())) << "a foreign name was executed";
    ASSERT_TRUE(os::RemoveTree(dir_).ok());
  }

  // Runs git in the user's repository; returns its output without the last line feed.
  std::string Git(std::vector<std::string> arguments, bool must_succeed = true) {
    const os::RunResult result = RunGit(std::move(arguments), {});
    EXPECT_TRUE(!must_succeed || result.status.ok()) << result.err;
    return std::string(absl::StripSuffix(result.out, "\n"));
  }
  os::RunResult RunGit(std::vector<std::string> arguments,
                       std::vector<std::pair<int, int>> inherit) {
    os::ChildOptions options;
    options.argv = {"git", "-c", "user.name=A. U. Thor", "-c", "user.email=thor@example.org"};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    options.env = {absl::StrCat("PATH=", getenv("PATH")), "HOME=" + dir_, "GIT_CONFIG_NOSYSTEM=1",
                   "GIT_AUTHOR_DATE=1700000000 +0100"};
    options.cwd = work();
    options.inherit = std::move(inherit);
    absl::StatusOr<os::RunResult> result = os::Run(options);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : os::RunResult{};
  }
  void Write(const std::string& path, absl::string_view content) {
    const std::string full = work() + "/" + path;
    ASSERT_TRUE(os::MakeDirs(full.substr(0, full.rfind('/'))).ok());
    ASSERT_TRUE(os::WriteFile(full, content).ok());
  }
  std::string CommitAll(const std::string& message) {
    Git({"add", "-A"});
    Git({"commit", "--quiet", "--allow-empty", "-m", message});
    return Git({"rev-parse", "HEAD"});
  }
  // git in the user's repository, talking to a service of the mirror over a socket.
  os::RunResult Talk(GitMirrors::Service service, std::vector<std::string> arguments) {
    absl::StatusOr<GitMirrors::Running> running = mirrors_->Serve(kProject, service);
    EXPECT_TRUE(running.ok()) << running.status();
    os::RunResult result = RunGit(std::move(arguments), {{running->socket.get(), kSocketInChild}});
    running->socket.Reset();
    running->child.Wait();
    return result;
  }
  os::RunResult Push(const std::string& refspec) {
    return Talk(GitMirrors::Service::kReceivePack, {"push", "--quiet", "fd::9", refspec});
  }
  void PushAndPin(const std::string& sha) {
    ASSERT_TRUE(Push(sha + ":refs/grange/incoming/test").status.ok());
    ASSERT_TRUE(mirrors_->Pin(kProject, sha, "main", false).ok());
  }
  std::string MirrorRefs() {
    return Git({"--git-dir", mirror(), "for-each-ref", "--format=%(refname) %(objectname)"});
  }

  std::string work() const { return dir_ + "/work"; }
  std::string mirror() const { return dir_ + "/mirrors/7.git"; }
  std::string canary() const { return dir_ + "/canary"; }

  std::string dir_, first_;
  std::unique_ptr<GitMirrors> mirrors_;
};

}  // namespace grange::source

#endif  // GRANGE_TESTS_COORDINATOR_SOURCE_GIT_MIRROR_FIXTURE_H_
