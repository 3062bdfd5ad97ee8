#ifndef GRANGE_TESTS_SUPPORT_INJECTION_H_
#define GRANGE_TESTS_SUPPORT_INJECTION_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/os/child.h"

namespace grange::test {

// What strace does to a process at its n-th system call of a kind. strace counts for each thread by
// itself. Programs that the process starts are left alone.
struct Injection {
  std::string calls;                    // "fdatasync", "rename,renameat2"
  std::string action;                   // "signal=KILL", "error=EIO", "delay_enter=500000"
  std::string when;                     // "3", "3..5", "3+"
  std::vector<std::string> paths = {};  // only calls on these files; none: all
};

// "" if strace can be used here, else why not.
std::string WhyNoInjection();

// What is put before a command line, so that the program runs traced from its start, under the pid
// that it is started with. strace writes what it saw into `output`.
std::vector<std::string> InjectionPrefix(const Injection& injection, const std::string& output);

// How often the injection struck, as `output` tells.
int Injected(const std::string& output);

// An injection into a process that runs already; it is left alone again when this goes.
class AttachedInjection {
 public:
  // Returns when all threads of the process are traced. kUnavailable if they can't be.
  static absl::StatusOr<std::unique_ptr<AttachedInjection>> Attach(pid_t pid,
                                                                   const Injection& injection,
                                                                   const std::string& output);
  ~AttachedInjection();
  AttachedInjection(const AttachedInjection&) = delete;
  AttachedInjection& operator=(const AttachedInjection&) = delete;

  int Injected() const { return test::Injected(output_); }

 private:
  AttachedInjection(os::Child strace, std::string output)
      : strace_(std::move(strace)), output_(std::move(output)) {}

  os::Child strace_;
  const std::string output_;
};

}  // namespace grange::test

#endif  // GRANGE_TESTS_SUPPORT_INJECTION_H_
