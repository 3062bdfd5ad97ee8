#include "coordinator/source/git_mirror.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/random.h"
#include "coordinator/source/git_command.h"
#include "coordinator/source/mirror_impl.h"

namespace grange::source {
namespace {

constexpr absl::string_view kPushBytesMax = "2g";

// receive-pack asks it for each ref. Hiding the other refs would refuse them as well, but then a
// push could not see what the mirror has, and would send the whole history each time.
constexpr absl::string_view kUpdateHook = R"(#!/bin/sh
case "$1" in
refs/grange/incoming/*) exit 0 ;;
esac
echo "only refs/grange/incoming/... may be pushed" >&2
exit 1
)";

absl::Status MakeHooks(const std::string& dir) {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(dir));
  return os::WriteFileAtomic(dir + "/update", kUpdateHook, 0755);
}

absl::Status MakeMirror(const std::string& dir, const std::string& path) {
  const std::string temporary =
      absl::StrCat(path, ".", absl::BytesToHexString(os::RandomBytes(8)), ".new");
  GRANGE_RETURN_IF_ERROR(RunGit(dir, {"-c", "init.defaultBranch=main", "init", "--bare", "--quiet",
                                      "--template=", "--", temporary})
                             .status());
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    os::RemoveTree(temporary).IgnoreError();  // of no use to anybody; the error that counts is here
    if (error == ENOTEMPTY || error == EEXIST) return absl::OkStatus();  // another call was faster
    return os::ErrnoStatus(error, "cannot make", path);
  }
  return os::SyncDir(dir);
}

// A pipe whose ends close when a program is executed.
struct Pipe {
  os::UniqueFd read_end, write_end;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return os::ErrnoStatus(errno, "cannot make", "a pipe");
  return Pipe{.read_end = os::UniqueFd(ends[0]), .write_end = os::UniqueFd(ends[1])};
}

std::vector<std::string> ServeArguments(GitMirrors::Service service, const std::string& hooks,
                                        const std::string& path) {
  std::vector<std::string> argv = {"git"};
  for (std::string& word : GitPrefix()) argv.push_back(std::move(word));
  const auto set = [&argv](absl::string_view name, absl::string_view value) {
    argv.push_back("-c");
    argv.push_back(absl::StrCat(name, "=", value));
  };
  set("transfer.hideRefs", "refs/grange/commits");
  switch (service) {
    case GitMirrors::Service::kUploadPack:
      set("uploadpack.allowAnySHA1InWant", "true");
      argv.insert(argv.end(), {"upload-pack", "--strict", "--", path});
      break;
    case GitMirrors::Service::kReceivePack:
      set("core.hooksPath", hooks);
      set("receive.maxInputSize", kPushBytesMax);
      set("receive.unpackLimit", "1");  // always a pack: packs are synced, loose objects are not
      set("receive.denyDeleteCurrent", "refuse");
      argv.insert(argv.end(), {"receive-pack", "--", path});
      break;
  }
  return argv;
}

}  // namespace

GitMirrors::GitMirrors(std::string dir) : impl_(std::make_shared<Impl>(std::move(dir))) {}

absl::StatusOr<std::string> GitMirrors::Ensure(ProjectId project) {
  const std::string path = impl_->PathOf(project);
  bool known = false, first = false;
  {
    base::MutexLock lock(impl_->mu);
    known = impl_->ready.count(project) > 0;
    first = impl_->ready.empty();
  }
  if (known && os::Exists(path + "/HEAD")) return path;  // else it has just been taken away
  if (first) {
    GRANGE_RETURN_IF_ERROR(os::MakeDirs(impl_->dir));
    GRANGE_RETURN_IF_ERROR(MakeHooks(impl_->HooksDir()));
  }
  if (!os::Exists(path + "/HEAD")) GRANGE_RETURN_IF_ERROR(MakeMirror(impl_->dir, path));
  base::MutexLock lock(impl_->mu);
  impl_->ready.insert(project);
  return path;
}

absl::StatusOr<GitMirrors::Running> GitMirrors::Serve(ProjectId project, Service service) {
  std::unique_ptr<MirrorGate::Use> hold;
  if (service == Service::kReceivePack) {
    hold = std::make_unique<MirrorGate::Use>(impl_->gate, project);
  }
  GRANGE_ASSIGN_OR_RETURN(const std::string path, Ensure(project));
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return os::ErrnoStatus(errno, "cannot make", "a socket pair");
  }
  os::UniqueFd ours(ends[0]);
  const os::UniqueFd its(ends[1]);
  // Only our end: the flag belongs to the open file, and git wants to block.
  if (::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) {
    return os::ErrnoStatus(errno, "cannot set up", "a socket pair");
  }
  GRANGE_ASSIGN_OR_RETURN(Pipe error, MakePipe());
  os::ChildOptions options;
  options.argv = ServeArguments(service, impl_->HooksDir(), path);
  options.env = GitEnvironment();
  // upload-pack answers in the newer protocol, which lists no refs for a client that asks for a
  // commit. Every git since 2.18 understands it without having asked for it.
  options.env->push_back("GIT_PROTOCOL=version=2");
  options.cwd = impl_->dir;
  options.stdin_fd = its.get();
  options.stdout_fd = its.get();
  options.stderr_fd = error.write_end.get();
  GRANGE_ASSIGN_OR_RETURN(os::Child child, os::Child::Start(options));
  return Running{.hold = std::move(hold),
                 .child = std::move(child),
                 .socket = std::move(ours),
                 .error = std::move(error.read_end)};
}

}  // namespace grange::source
