#include "tools/ctl/git_push.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"
#include "common/rpc/channel.h"

namespace grange::ctl {
namespace {

constexpr int kFdInGit = 3;
constexpr absl::Duration kProgressEvery = absl::Milliseconds(200);
constexpr uint64_t kGitSaysMax = 64 << 10;

using Stream = grpc::ClientReaderWriter<v1::GitBytes, v1::GitBytes>;

// git -> coordinator, on a thread of its own, until git has closed its end.
void PumpOut(Stream& stream, int socket, const PushOptions& options) {
  v1::GitBytes message;
  std::string buffer(rpc::kFilePartMax, '\0');
  uint64_t sent = 0;
  absl::Time last = absl::InfinitePast();
  while (true) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    message.set_data(buffer.data(), static_cast<size_t>(got));
    if (!stream.Write(message)) break;  // the reading side learns why
    sent += static_cast<uint64_t>(got);
    if (options.on_progress && absl::Now() - last > kProgressEvery) {
      last = absl::Now();
      options.on_progress(sent);
    }
  }
  v1::GitBytes end;
  end.set_end(true);
  stream.Write(end);
  stream.WritesDone();
}

struct FarEnd {
  int exit_code = 0;
  std::string said;
};

// coordinator -> git, until the coordinator has no more.
FarEnd PumpIn(Stream& stream, int socket) {
  FarEnd far;
  v1::GitBytes message;
  while (stream.Read(&message)) {
    absl::string_view rest = message.data();
    while (!rest.empty()) {
      const ssize_t put = ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) break;  // git has ended; go on reading for the exit code
      rest.remove_prefix(static_cast<size_t>(put));
    }
    if (message.end()) {
      far.exit_code = message.exit_code();
      far.said = message.error_text();
    }
  }
  ::shutdown(socket, SHUT_RDWR);  // wakes the other thread and git
  return far;
}

absl::StatusOr<std::pair<os::UniqueFd, os::UniqueFd>> MakeSocketPair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return os::ErrnoStatus(errno, "can't make", "a socket pair");
  }
  return std::make_pair(os::UniqueFd(fds[0]), os::UniqueFd(fds[1]));
}

std::string ReadBack(int fd) {
  std::string text(kGitSaysMax, '\0');
  const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

absl::Status PushError(const Repository& repository, const std::string& git_said,
                       const FarEnd& far) {
  const absl::StatusOr<os::RunResult> shallow =
      repository.Git({"rev-parse", "--is-shallow-repository"});
  const bool is_shallow = shallow.ok() && absl::string_view(shallow->out).substr(0, 4) == "true";
  return absl::InternalError(
      absl::StrCat("can't send the commit: ", GitReason(far.said.empty() ? git_said : far.said),
                   is_shallow ? "; this clone is shallow, run: git fetch --unshallow" : ""));
}

}  // namespace

absl::Status PushCommit(Client& client, const Repository& repository, const PushOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(auto sockets, MakeSocketPair());
  const os::UniqueFd ours = std::move(sockets.first);
  os::UniqueFd of_git = std::move(sockets.second);
  const os::UniqueFd said(::memfd_create("git-stderr", MFD_CLOEXEC));

  grpc::ClientContext context;
  client.Prepare(context);
  const std::unique_ptr<Stream> stream = client.stub().Git(&context);
  v1::GitBytes open;
  open.mutable_open()->set_project(options.project);
  open.mutable_open()->set_receive(true);
  stream->Write(open);  // a failure shows in Finish()

  // The user's hooks, tags, signatures and submodules have no part in this push.
  absl::StatusOr<os::Child> git = repository.StartGit(
      {"-c", "protocol.fd.allow=always", "push", "--quiet", "--no-verify", "--no-follow-tags",
       "--no-signed", "--recurse-submodules=no", absl::StrCat("fd::", kFdInGit),
       absl::StrCat("+", options.sha, ":refs/grange/incoming/", options.sha)},
      said.get(), {{of_git.get(), kFdInGit}});
  of_git.Reset();
  if (!git.ok()) {
    context.TryCancel();
    const grpc::Status ignored = stream->Finish();
    return git.status();
  }
  std::thread out([&stream, &ours, &options] { PumpOut(*stream, ours.get(), options); });
  const FarEnd far = PumpIn(*stream, ours.get());
  const os::ExitStatus status = git->Wait();
  out.join();
  const grpc::Status finished = stream->Finish();
  if (!finished.ok()) {
    client.IsPassing(finished);
    return client.Describe(finished);
  }
  if (status.ok() && far.exit_code == 0) return absl::OkStatus();
  return PushError(repository, ReadBack(said.get()), far);
}

}  // namespace grange::ctl
