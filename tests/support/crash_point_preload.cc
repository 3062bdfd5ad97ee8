// Loaded into a program before its libraries: kills it just before its n-th call of a kind
// (crash_point.h). Has no dependencies but libc, and does nothing in programs of another name.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace {

struct CrashPoint {
  const char* call = "";  // not null-terminated
  size_t call_size = 0;
  std::atomic<long> left{-1};  // negative: never

  CrashPoint() {
    const char* const program = getenv("CRASH_POINT_PROGRAM");  // NOLINT(concurrency-mt-unsafe)
    const char* const point = getenv("CRASH_POINT");            // NOLINT(concurrency-mt-unsafe)
    if (program == nullptr || point == nullptr) return;
    if (strcmp(program_invocation_short_name, program) != 0) return;
    const char* const colon = strchr(point, ':');
    if (colon == nullptr) return;
    call = point;
    call_size = static_cast<size_t>(colon - point);
    left = atol(colon + 1);
  }
};

// At the first call, which may come before the constructors of this library.
CrashPoint& Point() {
  static CrashPoint point;
  return point;
}

void Pass(const char* call) {
  CrashPoint& point = Point();
  if (strlen(call) != point.call_size || strncmp(call, point.call, point.call_size) != 0) return;
  if (point.left < 0 || --point.left != 0) return;
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

bool IsFile(int fd) {
  struct stat info {};
  return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  Pass("pwrite");
  return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  Pass("pwrite");
  return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  if (IsFile(fd)) Pass("write");
  return syscall(SYS_write, fd, bytes, size);
}

int fdatasync(int fd) {
  Pass("fdatasync");
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}

int fsync(int fd) {
  Pass("fsync");
  return static_cast<int>(syscall(SYS_fsync, fd));
}

int unlink(const char* path) {
  Pass("unlink");
  return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

int unlinkat(int folder, const char* path, int flags) {
  Pass("unlink");
  return static_cast<int>(syscall(SYS_unlinkat, folder, path, flags));
}

int rmdir(const char* path) {
  Pass("unlink");
  return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
}

int rename(const char* from, const char* to) {
  Pass("rename");
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                const posix_spawnattr_t* attributes, char* const argv[], char* const env[]) {
  static const auto next = Next<decltype(&posix_spawn)>("posix_spawn");
  Pass("spawn");
  const int result = next(pid, path, actions, attributes, argv, env);
  Pass("spawn");
  return result;
}

int posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
                 const posix_spawnattr_t* attributes, char* const argv[], char* const env[]) {
  static const auto next = Next<decltype(&posix_spawnp)>("posix_spawnp");
  Pass("spawn");
  const int result = next(pid, file, actions, attributes, argv, env);
  Pass("spawn");
  return result;
}

}  // extern "C"
