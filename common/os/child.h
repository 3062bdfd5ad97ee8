#ifndef GRANGE_COMMON_OS_CHILD_H_
#define GRANGE_COMMON_OS_CHILD_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/os/unique_fd.h"

namespace grange::os {

struct ChildOptions {
  std::vector<std::string> argv;                // argv[0] is looked up in PATH if it has no '/'
  std::optional<std::vector<std::string>> env;  // "NAME=value"; none: that of this process
  std::string cwd;                              // "": that of this process
  int stdin_fd = -1;                            // -1: /dev/null
  int stdout_fd = -1;                           // -1: /dev/null
  int stderr_fd = -1;                           // -1: /dev/null
  // Further descriptors: {ours, number in the child (≥ 3)}.
  std::vector<std::pair<int, int>> inherit;
  bool new_group = true;  // a process group of its own
};

// How a child ended.
struct ExitStatus {
  int exit_code = 0;
  int signal = 0;  // not 0: killed by it
  bool ok() const { return exit_code == 0 && signal == 0; }
  std::string ToString() const;  // "exit status 3", "killed by signal 9"
};

// A running child, started by posix_spawn (a process with gRPC in it may not fork). If it is still
// running when this goes, its whole group is killed and it is waited for.
class Child {
 public:
  static absl::StatusOr<Child> Start(const ChildOptions& options);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }  // readable when it has ended
  void Kill(int signal);                      // to its group
  ExitStatus Wait();                          // blocks
  std::optional<ExitStatus> TryWait();
  void Detach();  // it may outlive this object

 private:
  Child(pid_t pid, UniqueFd pidfd, bool group);
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  bool group_ = true;
};

struct RunResult {
  ExitStatus status;
  std::string out;
  std::string err;  // its last 64 KiB
};

// Runs to the end, feeding `input` and collecting output. Blocks: never call it from a reaction or
// a loop. kDeadlineExceeded (the group is killed), kResourceExhausted beyond `out_limit`. An exit
// status other than 0 is not an error here.
absl::StatusOr<RunResult> Run(ChildOptions options, absl::string_view input = {},
                              absl::Duration timeout = absl::Minutes(10),
                              size_t out_limit = 64 << 20);

// "NAME=value" of this process.
std::vector<std::string> CurrentEnvironment();

}  // namespace grange::os

#endif  // GRANGE_COMMON_OS_CHILD_H_
