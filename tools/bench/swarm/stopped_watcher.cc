#include "tools/bench/swarm/stopped_watcher.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::bench {
namespace {

constexpr int kSilenceMaxMs = 60'000;

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<StoppedWatcher>>> StoppedWatcher::StartMany(
    const std::vector<std::string>& command, int64_t job, int count) {
  std::vector<std::unique_ptr<StoppedWatcher>> watchers;
  for (int i = 0; i < count; ++i) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return os::ErrnoStatus(errno, "cannot make", "pipe");
    os::UniqueFd out(ends[0]);
    const os::UniqueFd theirs(ends[1]);
    os::ChildOptions options;
    options.argv = command;
    options.argv.insert(options.argv.end(), {"logs", "-f", absl::StrCat(job)});
    options.stdout_fd = theirs.get();
    GRANGE_ASSIGN_OR_RETURN(os::Child child, os::Child::Start(options));
    watchers.emplace_back(new StoppedWatcher(std::move(child), std::move(out)));
  }
  for (const std::unique_ptr<StoppedWatcher>& watcher : watchers) {
    GRANGE_ASSIGN_OR_RETURN(const uint64_t seen, watcher->CatchUp(1));
    if (seen == 0) return absl::UnavailableError(absl::StrCat("job ", job, " printed nothing"));
  }
  return watchers;
}

absl::StatusOr<uint64_t> StoppedWatcher::CatchUp(uint64_t bytes) {
  std::array<char, 64 << 10> buffer;
  while (seen_ < bytes) {
    pollfd wait{out_.get(), POLLIN, 0};
    const int ready = poll(&wait, 1, kSilenceMaxMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return absl::DeadlineExceededError("a watcher was shown nothing for too long");
    const ssize_t got =
        read(out_.get(), buffer.data(), std::min<uint64_t>(buffer.size(), bytes - seen_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os::ErrnoStatus(errno, "cannot read from", "grangectl");
    if (got == 0) break;
    seen_ += static_cast<uint64_t>(got);
  }
  return seen_;
}

}  // namespace grange::bench
