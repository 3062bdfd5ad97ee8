#include "tests/support/planted.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kFileMax = 256 << 20;  // more of one file isn't read: a test's own ballast

bool LooksLikeCore(const std::string& name) {
  return name == "core" || (absl::StartsWith(name, "core.") &&
                            name.find_first_not_of("0123456789", 5) == std::string::npos);
}

}  // namespace

std::string FindInFiles(const std::vector<Planted>& planted, const std::string& dir) {
  std::string found;
  std::error_code error;
  for (fs::recursive_directory_iterator at(dir, fs::directory_options::skip_permission_denied,
                                           error),
       end;
       !error && at != end; at.increment(error)) {
    std::error_code gone;  // a file that goes meanwhile is no file
    if (!at->is_regular_file(gone) || at->is_symlink(gone)) continue;
    const std::string path = at->path().string(), name = at->path().filename().string();
    if (LooksLikeCore(name)) absl::StrAppend(&found, "a core file: ", path, "\n");
    const absl::StatusOr<std::string> bytes = os::ReadFile(path, kFileMax);
    for (const Planted& p : planted) {
      if (p.may_be_in.count(name) > 0) continue;
      if (absl::StrContains(path, p.value) || (bytes.ok() && absl::StrContains(*bytes, p.value))) {
        absl::StrAppend(&found, p.name, " is in ", path, "\n");
      }
    }
  }
  return found;
}

std::string FindInProcesses(const std::vector<Planted>& planted, const std::string& mark) {
  std::string found;
  for (const pid_t pid : ProcessesWithMark(mark)) {
    const auto read = [pid](const char* file) {
      return os::ReadFile(absl::StrCat("/proc/", pid, "/", file), 8 << 20).value_or("");
    };
    const std::string line = read("cmdline"), environment = read("environ");
    const bool of_a_job = absl::StrContains(environment, "CI_JOB_ID=");
    for (const Planted& p : planted) {
      if (absl::StrContains(line, p.value)) {
        absl::StrAppend(&found, p.name, " is in the command line of ", pid, "\n");
      }
      if (!of_a_job && absl::StrContains(environment, p.value)) {
        absl::StrAppend(&found, p.name, " is in the environment of ", pid, " (", line.c_str(),
                        ")\n");
      }
    }
  }
  return found;
}

}  // namespace grange::test
