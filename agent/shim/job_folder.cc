#include "agent/shim/job_folder.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include <array>
#include <cerrno>
#include <optional>

#include "agent/shim/process_stat.h"

namespace grange::shim {
namespace {

constexpr off_t kShimFileBytes = 4096;  // one block; the longest detail fits well

}  // namespace

int JobFolder::Enter(const char* path) {
  if (chdir(path) != 0) return errno;
  std::array<char, PATH_MAX> absolute;
  if (getcwd(absolute.data(), absolute.size()) == nullptr) return errno;
  path_ = absolute.data();
  return 0;
}

int JobFolder::Claim(const std::string& boot_id) {
  if (access("result", F_OK) == 0) return EEXIST;
  // Complete before it gets its name: an agent may look at any moment.
  shim_.Reset(open("shim.new", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!shim_.is_open()) return errno;
  // So that a full disk does not swallow the result. Not every file system can.
  fallocate(shim_.get(), FALLOC_FL_KEEP_SIZE, 0, kShimFileBytes);
  const std::optional<ProcessStat> self = ReadProcessStat(getpid());
  if (!self) return ESRCH;
  start_time_ = self->start_time;
  const int error = WriteAll(shim_.get(), "pid=" + std::to_string(self->pid) +
                                              "\nstart=" + std::to_string(start_time_) +
                                              "\nboot=" + boot_id + "\n");
  if (error != 0) return error;
  if (renameat2(AT_FDCWD, "shim.new", AT_FDCWD, "shim", RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // A file system that can't do this can do that.
  if (link("shim.new", "shim") != 0) return errno;
  unlink("shim.new");
  return 0;
}

void JobFolder::RecordGroup(pid_t group) {
  // Without it an agent still finds the job's processes by their environment.
  [[maybe_unused]] const int error = WriteAll(shim_.get(), "group=" + std::to_string(group) + "\n");
}

OwnedFd JobFolder::OpenLog() {
  return OwnedFd(open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
}

int JobFolder::WriteResult(const RunResult& result) {
  if (const int error = WriteAll(shim_.get(), FormatRunResult(result)); error != 0) return error;
  return rename("shim", "result") == 0 ? 0 : errno;
}

int WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return 0;
}

}  // namespace grange::shim
