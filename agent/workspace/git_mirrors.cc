#include "agent/workspace/git_mirrors.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/deadline.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "common/os/unique_fd.h"

namespace grange::workspace {
namespace {

constexpr size_t kPacksMax = 50;
constexpr absl::Duration kTryFor = absl::Minutes(10);
constexpr absl::Duration kFirstWait = absl::Milliseconds(500);
constexpr absl::Duration kWaitMax = absl::Seconds(15);

// One ref per branch or tag keeps its newest commit, so that the next fetch says "I have this". The
// names are hashed: 'a' and 'a/b' may both have existed at some time.
std::string MirrorRef(const Sources& sources) {
  const std::string name = absl::StrCat(sources.is_tag ? "tags/" : "heads/", sources.ref_name);
  return absl::StrCat("refs/grange/", absl::BytesToHexString(os::Sha256Of(name).substr(0, 16)));
}

// Stands for "this commit and all before it are here": written after git has checked it, while an
// object alone may be the rest of a fetch that was cut off.
std::string Marker(const std::string& mirror, const std::string& sha) {
  return absl::StrCat(mirror, "/grange-have/", sha);
}

// Packs of fetches that were cut off: git itself lets them be. Nobody else may fetch meanwhile.
void RemoveCutPacks(const std::string& mirror) {
  const std::string folder = absl::StrCat(mirror, "/objects/pack");
  for (const std::string& name : os::ListDir(folder).value_or(std::vector<std::string>())) {
    if (!absl::StartsWith(name, "tmp_")) continue;
    const absl::Status removed = os::RemoveTree(os::JoinPath(folder, name));
    if (!removed.ok()) log::Warning("cut_pack_left", {{"why", removed}});
  }
}

size_t CountPacks(const std::string& mirror) {
  const absl::StatusOr<std::vector<std::string>> names =
      os::ListDir(absl::StrCat(mirror, "/objects/pack"));
  if (!names.ok()) return 0;
  return static_cast<size_t>(std::count_if(names->begin(), names->end(), [](const auto& name) {
    return absl::EndsWith(name, ".pack");
  }));
}

}  // namespace

bool IsCommitId(absl::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string MirrorPath(absl::string_view dir, ProjectId project) {
  return absl::StrCat(dir, "/", project.value(), ".git");
}

absl::Status InitRepository(const std::string& git_dir, bool bare, bool sha256) {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(absl::StrCat(git_dir, "/objects/info"), 0755));
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(absl::StrCat(git_dir, "/refs"), 0755));
  GRANGE_RETURN_IF_ERROR(
      os::WriteFile(absl::StrCat(git_dir, "/config"),
                    absl::StrCat("[core]\n\trepositoryformatversion = ", sha256 ? 1 : 0,
                                 "\n\tfilemode = true\n\tbare = ", bare ? "true" : "false", "\n",
                                 sha256 ? "[extensions]\n\tobjectFormat = sha256\n" : ""),
                    0644));
  return os::WriteFile(absl::StrCat(git_dir, "/HEAD"), "ref: refs/heads/main\n", 0644);
}

absl::Status GitMirrors::Lock(ProjectId project, Cancellation& cancellation) {
  Cancellation::Hook wake(cancellation, [this] {
    base::MutexLock lock(mu_);
    changed_.SignalAll();
  });
  base::MutexLock lock(mu_);
  while (busy_.count(project) != 0) {
    if (cancellation.canceled()) return absl::CancelledError("canceled");
    changed_.Wait(mu_);
  }
  busy_.insert(project);
  return absl::OkStatus();
}

void GitMirrors::Unlock(ProjectId project) {
  base::MutexLock lock(mu_);
  busy_.erase(project);
  changed_.SignalAll();
}

absl::StatusOr<std::string> GitMirrors::Ensure(const Sources& sources, PackDoor& door,
                                               absl::Duration timeout, Cancellation& cancellation) {
  if (!IsCommitId(sources.sha)) {
    return absl::InvalidArgumentError(absl::StrCat("'", sources.sha, "' is no commit id"));
  }
  const std::string mirror = MirrorPath(dir_, sources.project);
  if (os::Exists(Marker(mirror, sources.sha))) return mirror;
  GRANGE_RETURN_IF_ERROR(Lock(sources.project, cancellation));
  const absl::Cleanup unlock = [&] { Unlock(sources.project); };
  if (os::Exists(Marker(mirror, sources.sha))) return mirror;

  RemoveCutPacks(mirror);
  const bool fresh = !os::Exists(absl::StrCat(mirror, "/HEAD"));
  absl::Status fetched = FetchPatiently(sources, mirror, door, timeout, cancellation);
  if (absl::IsInternal(fetched) && !fresh) {
    log::Warning("mirror_made_anew", {{"path", mirror}, {"error", fetched}});
    GRANGE_RETURN_IF_ERROR(os::RemoveTree(mirror));
    fetched = FetchPatiently(sources, mirror, door, timeout, cancellation);
  }
  GRANGE_RETURN_IF_ERROR(fetched);
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(absl::StrCat(mirror, "/grange-have")));
  GRANGE_RETURN_IF_ERROR(os::WriteFile(Marker(mirror, sources.sha), ""));
  if (CountPacks(mirror) > kPacksMax) {
    const absl::Status packed =
        git_.Run({.args = {"gc", "--quiet", "--prune=never"}, .dir = mirror}, cancellation);
    if (!packed.ok()) log::Warning("mirror_gc_failed", {{"path", mirror}, {"error", packed}});
  }
  return mirror;
}

// The coordinator may be away for a restart: its jobs don't fail for that.
absl::Status GitMirrors::FetchPatiently(const Sources& sources, const std::string& mirror,
                                        PackDoor& door, absl::Duration timeout,
                                        Cancellation& cancellation) {
  const os::Deadline until(std::min(timeout, kTryFor));
  absl::Duration wait = kFirstWait;
  while (true) {
    const absl::Status status = Fetch(sources, mirror, door, timeout, cancellation);
    if (!absl::IsUnavailable(status) || wait > until.Left()) return status;
    log::Warning("fetch_again", {{"project", sources.project}, {"wait", wait}, {"why", status}});
    pollfd fd = {cancellation.fd(), POLLIN, 0};
    if (::poll(&fd, 1, static_cast<int>(absl::ToInt64Milliseconds(wait))) > 0) {
      return absl::CancelledError("canceled");
    }
    wait = std::min(wait * 2, kWaitMax);
  }
}

// kInternal only for a failure of git itself: then the mirror may be to blame.
absl::Status GitMirrors::Fetch(const Sources& sources, const std::string& mirror, PackDoor& door,
                               absl::Duration timeout, Cancellation& cancellation) {
  if (!os::Exists(absl::StrCat(mirror, "/HEAD"))) {
    GRANGE_RETURN_IF_ERROR(InitRepository(mirror, /*bare=*/true, sources.sha.size() == 64));
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return os::ErrnoStatus(errno, "socketpair", mirror);
  }
  os::UniqueFd ours(ends[0]), gits(ends[1]);
  absl::Status served;
  std::thread pump([&] {
    served = door.Serve(sources, ours.get(), cancellation);
    ::shutdown(ours.get(), SHUT_RDWR);  // or git would wait for more
  });
  const absl::Status fetched =
      git_.Run({.args = {"fetch", "--quiet", "--no-tags", "--force", "--no-write-fetch-head",
                         "--end-of-options", "fd::3",
                         absl::StrCat("+", sources.sha, ":", MirrorRef(sources))},
                .dir = mirror,
                .inherit_fd = gits.get(),
                .timeout = timeout},
               cancellation);
  gits.Reset();
  ::shutdown(ours.get(), SHUT_RDWR);
  pump.join();
  if (fetched.ok()) return absl::OkStatus();
  if (!served.ok() && !absl::IsCancelled(fetched)) {
    return absl::Status(absl::IsInternal(served) ? absl::StatusCode::kUnavailable : served.code(),
                        absl::StrCat(served.message(), "; ", fetched.message()));
  }
  return fetched;
}

}  // namespace grange::workspace
