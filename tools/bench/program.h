#ifndef GRANGE_TOOLS_BENCH_PROGRAM_H_
#define GRANGE_TOOLS_BENCH_PROGRAM_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/os/child.h"

namespace grange::bench {

// A program that runs in the background, with its stdout on a pipe to us. If it still runs when
// this goes, it is killed.
class Program {
 public:
  // stderr goes to the file `log`, or nowhere if that is "".
  static absl::StatusOr<Program> Start(std::vector<std::string> argv, const std::string& log = "");

  // Its next line, without the line feed. kUnavailable if it ends before, kDeadlineExceeded.
  absl::StatusOr<std::string> ReadLine(absl::Duration timeout = absl::Seconds(30));
  // The next line that starts with `prefix`, without it.
  absl::StatusOr<std::string> WaitForLine(absl::string_view prefix,
                                          absl::Duration timeout = absl::Seconds(30));
  void Kill(int signal) { child_.Kill(signal); }
  os::ExitStatus Wait() { return child_.Wait(); }
  pid_t pid() const { return child_.pid(); }
  int pidfd() const { return child_.pidfd(); }

 private:
  Program(os::Child child, os::UniqueFd out) : child_(std::move(child)), out_(std::move(out)) {}

  os::Child child_;
  os::UniqueFd out_;
  std::string unread_;
};

// Starts a program with its stdout on a pipe, reads that to its end and waits: what any supervisor
// has to do at least. An exit status other than 0 is an error.
absl::Status RunToEnd(const std::vector<std::string>& argv);

// How long RunToEnd() takes.
absl::StatusOr<absl::Duration> TimeToEnd(const std::vector<std::string>& argv);

// The floor of a no-op job.
inline std::vector<std::string> BashTrue() { return {"bash", "-c", "true"}; }

// Where the programs of this build are.
std::string BinaryPath(absl::string_view program);

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_PROGRAM_H_
