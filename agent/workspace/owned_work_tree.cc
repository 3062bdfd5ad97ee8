#include "agent/workspace/owned_work_tree.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>
#include <vector>

#include "agent/workspace/git_mirrors.h"
#include "agent/workspace/work_tree.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"

namespace grange::workspace {
namespace {

// Fetches as the tree's owner from the mirror, which only the agent's user can read: git's
// upload-pack runs as that user at the other end of a socket.
absl::Status Fetch(const std::string& path, const std::string& mirror, const Sources& sources,
                   const Owner& owner, const GitCommand& git, absl::Duration timeout,
                   Cancellation& cancellation) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return os::ErrnoStatus(errno, "socketpair", path);
  }
  os::UniqueFd ours(ends[0]), theirs(ends[1]);
  absl::Status served;
  std::thread server([&] {
    served = git.Run({.args = {"upload-pack", "--strict", mirror},
                      .dir = mirror,
                      .timeout = timeout,
                      .conversation_fd = ours.get()},
                     cancellation);
    ::shutdown(ours.get(), SHUT_RDWR);  // or the other one would wait for more
  });
  const absl::Status fetched = git.Run({.args = FetchArguments(sources, "fd::3"),
                                        .dir = path,
                                        .inherit_fd = theirs.get(),
                                        .timeout = timeout,
                                        .user = owner},
                                       cancellation);
  theirs.Reset();
  ::shutdown(ours.get(), SHUT_RDWR);
  server.join();
  if (!fetched.ok() && !served.ok()) return Annotate(fetched, std::string(served.message()));
  return fetched;
}

}  // namespace

absl::Status PrepareOwnedWorkTree(const std::string& path, const std::string& mirror,
                                  const Sources& sources, const Owner& owner, const GitCommand& git,
                                  absl::Duration timeout, Cancellation& cancellation) {
  if (sources.strategy == Sources::Strategy::kNone) return MakeOwnedDir(path, owner);
  GRANGE_RETURN_IF_ERROR(os::RemoveTree(path));
  GRANGE_RETURN_IF_ERROR(MakeOwnedDir(path, {.uid = ::geteuid(), .gid = ::getegid()}));
  GRANGE_RETURN_IF_ERROR(
      InitRepository(os::JoinPath(path, ".git"), /*bare=*/false, sources.sha.size() == 64));
  GRANGE_RETURN_IF_ERROR(GiveTree(path, owner));
  // From here on it is the user's, and only programs of that user go into it.
  GRANGE_RETURN_IF_ERROR(Fetch(path, mirror, sources, owner, git, timeout, cancellation));
  return git.Run({.args = {"checkout", "--quiet", "--force", "--detach", sources.sha},
                  .dir = path,
                  .timeout = timeout,
                  .user = owner},
                 cancellation);
}

}  // namespace grange::workspace
