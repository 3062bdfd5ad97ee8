#include "agent/session/state_watch.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"

namespace grange::session {

StateWatch::StateWatch(os::EventLoop& loop, const AgentState& state, std::function<void()> on_lost,
                       os::UniqueFd inotify)
    : loop_(loop), state_(state), on_lost_(std::move(on_lost)), inotify_(std::move(inotify)) {
  loop_.Watch(inotify_.get(), EPOLLIN, [this](uint32_t) { Look(); });
}

StateWatch::~StateWatch() { loop_.Unwatch(inotify_.get()); }

absl::StatusOr<std::unique_ptr<StateWatch>> StateWatch::Start(os::EventLoop& loop,
                                                              const AgentState& state,
                                                              std::function<void()> on_lost) {
  os::UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify.is_open()) return os::ErrnoStatus(errno, "cannot watch", state.dir());
  std::unique_ptr<StateWatch> watch(
      new StateWatch(loop, state, std::move(on_lost), std::move(inotify)));
  GRANGE_RETURN_IF_ERROR(watch->Watch());
  return watch;
}

// The file by which an agent knows who it is, and the directory that it is in.
absl::Status StateWatch::Watch() {
  for (const std::string& path : {state_.Path("agent.id"), state_.dir()}) {
    if (::inotify_add_watch(inotify_.get(), path.c_str(),
                            IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF) < 0) {
      return os::ErrnoStatus(errno, "cannot watch", path);
    }
  }
  return absl::OkStatus();
}

void StateWatch::Look() {
  std::array<char, 4096> events;
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
  struct stat info {};
  if (::lstat(state_.Path("agent.id").c_str(), &info) == 0 ||
      (errno != ENOENT && errno != ENOTDIR)) {
    // Only its rights may have changed, or another file may have taken its place.
    const absl::Status watched = Watch();
    if (!watched.ok()) log::Warning("state_not_watched", {{"why", watched}});
    return;
  }
  if (on_lost_) std::exchange(on_lost_, nullptr)();
}

}  // namespace grange::session
