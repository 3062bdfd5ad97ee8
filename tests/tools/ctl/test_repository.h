#ifndef GRANGE_TESTS_TOOLS_CTL_TEST_REPOSITORY_H_
#define GRANGE_TESTS_TOOLS_CTL_TEST_REPOSITORY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace grange::ctl {

// A folder that goes with the object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string File(absl::string_view name) const;
  void Write(absl::string_view name, absl::string_view content, mode_t mode = 0600) const;

 private:
  std::string path_;
};

// A real git repository in a folder of its own, on branch master, without the configuration of
// whoever runs the tests.
class TestRepository {
 public:
  // The folder is called `name`.
  explicit TestRepository(const std::string& name = "portal");

  const std::string& path() const { return path_; }
  void Write(absl::string_view file, absl::string_view content) const;
  // Commits everything; the new commit.
  std::string Commit(absl::string_view message) const;
  // git's stdout without the last line feed; the test fails if git does.
  std::string Git(std::vector<std::string> args) const;

 private:
  TempDir dir_;
  std::string path_;
};

}  // namespace grange::ctl

#endif  // GRANGE_TESTS_TOOLS_CTL_TEST_REPOSITORY_H_
