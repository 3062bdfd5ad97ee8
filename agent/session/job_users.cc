#include "agent/session/job_users.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/child.h"
#include "common/os/files.h"

namespace grange::session {
namespace {

constexpr absl::Duration kAnswerMax = absl::Seconds(10);

absl::Status ChangeMode(const std::string& path, mode_t mode) {
  if (::chmod(path.c_str(), mode) == 0) return absl::OkStatus();
  return os::ErrnoStatus(errno, "cannot change the mode of", path);
}

// What `program --version` prints; "" if it can't be run.
std::string VersionOf(const std::string& program) {
  os::ChildOptions options;
  options.argv = {program, "--version"};
  const absl::StatusOr<os::RunResult> run = os::Run(options, {}, kAnswerMax);
  return run.ok() && run->status.ok() ? std::string(absl::StripAsciiWhitespace(run->out)) : "";
}

absl::Status CheckPrograms(const std::string& shim_program) {
  const std::string version = VersionOf(shim_program);
  if (version != absl::StrCat("grange-shim ", GRANGE_VERSION)) {
    return absl::FailedPreconditionError(
        absl::StrCat("--run-as: '", shim_program, "' is '", version, "', not grange-shim ",
                     GRANGE_VERSION, "; install both of one release"));
  }
  if (VersionOf("setpriv").empty()) {
    return absl::FailedPreconditionError(
        "--run-as needs the program setpriv; install the package util-linux");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PrepareForJobUsers(const std::string& state_dir, const std::string& shim_program,
                                const std::vector<exec::JobAccount>& accounts) {
  if (::geteuid() != 0) {
    return absl::FailedPreconditionError(
        "--run-as: only an agent that runs as root can start jobs as other users");
  }
  GRANGE_RETURN_IF_ERROR(CheckPrograms(shim_program));
  GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> names, os::ListDir(state_dir));
  for (const std::string& name : names) {
    const std::string path = os::JoinPath(state_dir, name);
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0 || S_ISLNK(info.st_mode)) continue;
    const mode_t mode = name == "workspaces"  ? 0711
                        : name == "gitconfig" ? 0644
                                              : info.st_mode & 0700;
    GRANGE_RETURN_IF_ERROR(ChangeMode(path, mode));
  }
  GRANGE_RETURN_IF_ERROR(ChangeMode(state_dir, 0711));
  for (const exec::JobAccount& account : accounts) {
    GRANGE_RETURN_IF_ERROR(exec::CheckCanPass(account, os::JoinPath(state_dir, "workspaces")));
  }
  return absl::OkStatus();
}

}  // namespace grange::session
