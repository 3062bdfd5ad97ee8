#include "tools/bench/fifo.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/os/files.h"

namespace grange::bench {

absl::StatusOr<Fifo> Fifo::Make(const std::string& path) {
  if (mkfifo(path.c_str(), 0600) != 0) return os::ErrnoStatus(errno, "cannot make", path);
  os::UniqueFd fd(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot open", path);
  return Fifo(path, std::move(fd));
}

Fifo::~Fifo() {
  if (fd_.is_open()) unlink(path_.c_str());
}

absl::Status Fifo::WriteLine(absl::string_view line) {
  return os::WriteAll(fd_.get(), absl::StrCat(line, "\n"));
}

absl::StatusOr<std::string> Fifo::ReadLine(absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  std::string line;
  while (true) {
    const int64_t left = std::max<int64_t>(0, absl::ToInt64Milliseconds(until - absl::Now()));
    pollfd wait{fd_.get(), POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return absl::DeadlineExceededError("a job did not say that it runs");
    char byte = 0;
    if (read(fd_.get(), &byte, 1) != 1) continue;
    if (byte == '\n') return line;
    line.push_back(byte);
  }
}

}  // namespace grange::bench
