#include "tools/bench/program.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::bench {
namespace {

struct Pipe {
  os::UniqueFd read_end, write_end;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return os::ErrnoStatus(errno, "cannot make", "pipe");
  Pipe made;
  made.read_end.Reset(ends[0]);
  made.write_end.Reset(ends[1]);
  return made;
}

}  // namespace

absl::StatusOr<Program> Program::Start(std::vector<std::string> argv, const std::string& log) {
  GRANGE_ASSIGN_OR_RETURN(Pipe out, MakePipe());
  os::UniqueFd err;
  if (!log.empty()) {
    err.Reset(open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!err.is_open()) return os::ErrnoStatus(errno, "cannot open", log);
  }
  os::ChildOptions options;
  options.argv = std::move(argv);
  options.stdout_fd = out.write_end.get();
  options.stderr_fd = err.get();
  GRANGE_ASSIGN_OR_RETURN(os::Child child, os::Child::Start(options));
  return Program(std::move(child), std::move(out.read_end));
}

absl::StatusOr<std::string> Program::ReadLine(absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  while (true) {
    const size_t end = unread_.find('\n');
    if (end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    const int64_t left = std::max<int64_t>(0, absl::ToInt64Milliseconds(until - absl::Now()));
    pollfd wait{out_.get(), POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return absl::DeadlineExceededError("a program said nothing for too long");
    char buffer[64 << 10];
    const ssize_t got = read(out_.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return absl::UnavailableError("a program ended too early");
    unread_.append(buffer, static_cast<size_t>(got));
  }
}

absl::StatusOr<std::string> Program::WaitForLine(absl::string_view prefix, absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  while (true) {
    absl::StatusOr<std::string> line = ReadLine(until - absl::Now());
    if (!line.ok()) {
      return Annotate(line.status(), absl::StrCat("while waiting for '", prefix, "'"));
    }
    absl::string_view rest = *line;
    if (absl::ConsumePrefix(&rest, prefix)) return std::string(rest);
  }
}

absl::Status RunToEnd(const std::vector<std::string>& argv) {
  GRANGE_ASSIGN_OR_RETURN(Pipe out, MakePipe());
  os::ChildOptions options;
  options.argv = argv;
  options.stdout_fd = out.write_end.get();
  GRANGE_ASSIGN_OR_RETURN(os::Child child, os::Child::Start(options));
  out.write_end.Reset();
  char buffer[4 << 10];
  ssize_t got = 0;
  do {
    got = read(out.read_end.get(), buffer, sizeof buffer);
  } while (got > 0 || (got < 0 && errno == EINTR));
  const os::ExitStatus status = child.Wait();
  if (status.ok()) return absl::OkStatus();
  return absl::UnknownError(absl::StrCat("'", argv[0], "' ended with ", status.ToString()));
}

absl::StatusOr<absl::Duration> TimeToEnd(const std::vector<std::string>& argv) {
  const absl::Time start = absl::Now();
  GRANGE_RETURN_IF_ERROR(RunToEnd(argv));
  return absl::Now() - start;
}

std::string BinaryPath(absl::string_view program) {
  const std::string self = os::RealPath("/proc/self/exe").value_or("");
  return absl::StrCat(self.substr(0, self.rfind('/') + 1), program);
}

}  // namespace grange::bench
