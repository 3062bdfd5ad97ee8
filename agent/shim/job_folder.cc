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

constexpr off_t kResultBytesMax = 4096;  // one block; the longest detail fits well

}  // namespace

int JobFolder::Enter(const char* path) {
  if (chdir(path) != 0) return errno;
  std::array<char, PATH_MAX> absolute;
  if (getcwd(absolute.data(), absolute.size()) == nullptr) return errno;
  path_ = absolute.data();
  return 0;
}

int JobFolder::Claim(const std::string& boot_id) {
  // Complete before it gets its name: an agent may look at any moment.
  shim_.Reset(open("shim.new", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!shim_.is_open()) return errno;
  const std::optional<ProcessStat> self = ReadProcessStat(getpid());
  if (!self) return ESRCH;
  const int error = WriteAll(shim_.get(), "pid=" + std::to_string(self->pid) +
                                              "\nstart=" + std::to_string(self->start_time) +
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

int JobFolder::WriteScript(const char* name, std::string_view text) {
  const OwnedFd file(open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.is_open()) return errno;
  return WriteAll(file.get(), text);
}

void JobFolder::ReserveResult() {
  result_.Reset(open("result.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  // Not every file system can; then a full disk is found out when the result is written.
  if (result_.is_open()) fallocate(result_.get(), 0, 0, kResultBytesMax);
}

int JobFolder::WriteResult(const RunResult& result) {
  if (!result_.is_open()) ReserveResult();
  if (!result_.is_open()) return errno;
  const std::string text = FormatRunResult(result);
  if (const int error = WriteAll(result_.get(), text); error != 0) return error;
  if (ftruncate(result_.get(), static_cast<off_t>(text.size())) != 0) return errno;
  return rename("result.new", "result") == 0 ? 0 : errno;
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
