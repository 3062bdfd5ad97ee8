#include "deploy/ssh/ssh_session.h"

#include <string.h>
#include <sys/socket.h>

#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/status_macros.h"
#include "common/os/unique_fd.h"
#include "deploy/ssh/host_key.h"
#include "deploy/ssh/ssh_command.h"
#include "deploy/ssh/ssh_handles.h"
#include "deploy/ssh/tcp_connect.h"

namespace grange::ssh {
namespace {

constexpr size_t kNameMax = 255;

// Before libssh sees a name: older versions gave host names to a shell.
absl::Status CheckName(absl::string_view what, absl::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError(absl::StrCat("no ", what, " was given"));
  bool good = name.size() <= kNameMax && name.front() != '-';
  for (const char c : name) {
    const bool allowed =
        absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
    good = good && allowed;
  }
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", name.substr(0, kNameMax), "' is no ", what,
                   ": it may have letters, digits, '.', '_' and '-', and does not begin with '-'"));
}

absl::StatusOr<KeyHandle> ImportKey(const Secret& text) {
  std::string terminated(text.Open());
  ssh_key key = nullptr;
  const int rc = ssh_pki_import_privkey_base64(terminated.c_str(), nullptr, nullptr, nullptr, &key);
  explicit_bzero(terminated.data(), terminated.size());
  if (rc != SSH_OK) {
    return absl::InvalidArgumentError(
        "the private key can't be used; it must be the whole text of an OpenSSH or PEM key file "
        "without passphrase");
  }
  return KeyHandle(key);
}

template <typename T>
absl::Status Set(ssh_session session, ssh_options_e option, const T* value) {
  if (ssh_options_set(session, option, value) == SSH_OK) return absl::OkStatus();
  return absl::InvalidArgumentError(ssh_get_error(session));
}

absl::Status Configure(ssh_session session, const SshOptions& options) {
  const bool no = false;
  const int yes = 1;
  const int port = options.target.port;
  const int64_t seconds =
      absl::ToInt64Seconds(absl::Ceil(options.connect_timeout, absl::Seconds(1)));
  const long timeout = static_cast<long>(seconds);
  // First of all: without it ~/.ssh/config is read, and a ProxyCommand in it run.
  GRANGE_RETURN_IF_ERROR(Set(session, SSH_OPTIONS_PROCESS_CONFIG, &no));
  GRANGE_RETURN_IF_ERROR(Set(session, SSH_OPTIONS_HOST, options.target.host.c_str()));
  GRANGE_RETURN_IF_ERROR(Set(session, SSH_OPTIONS_PORT, &port));
  GRANGE_RETURN_IF_ERROR(Set(session, SSH_OPTIONS_USER, options.target.user.c_str()));
  GRANGE_RETURN_IF_ERROR(Set(session, SSH_OPTIONS_KNOWNHOSTS, options.known_hosts.c_str()));
  GRANGE_RETURN_IF_ERROR(Set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null"));
  GRANGE_RETURN_IF_ERROR(Set(session, SSH_OPTIONS_NODELAY, &yes));
  GRANGE_RETURN_IF_ERROR(Set(session, SSH_OPTIONS_TIMEOUT, &timeout));
  return absl::OkStatus();
}

absl::Status LogIn(ssh_session session, const SshTarget& target, ssh_key key) {
  switch (ssh_userauth_publickey(session, nullptr, key)) {
    case SSH_AUTH_SUCCESS:
      return absl::OkStatus();
    case SSH_AUTH_DENIED:
      return absl::PermissionDeniedError(
          absl::StrCat("the host refuses the key; add its public half to the authorized_keys of '",
                       target.user, "' there"));
    case SSH_AUTH_PARTIAL:
      return absl::PermissionDeniedError(
          "the host accepts the key but asks for a second proof, which a pipeline cannot give");
    default:
      return absl::UnavailableError(absl::StrCat("login failed: ", ssh_get_error(session)));
  }
}

}  // namespace

std::string SshTarget::ToString() const {
  return absl::StrCat(user, "@", host, port == 22 ? "" : absl::StrCat(":", port));
}

std::string SshTarget::KnownHostsName() const {
  return port == 22 ? host : absl::StrCat("[", host, "]:", port);
}

std::string SshResult::ToString() const {
  if (!signal.empty()) return absl::StrCat("killed by signal ", signal);
  return absl::StrCat("exit status ", exit_code);
}

struct SshSession::State {
  SshTarget target;
  SessionHandle session;
  const Clock* clock = nullptr;
  bool closed = false;

  // Nothing that libssh still wants to tell the peer can block after this. The descriptor itself
  // stays libssh's, which closes it once.
  void CutConnection() {
    closed = true;
    shutdown(ssh_get_fd(session.get()), SHUT_RDWR);
  }
};

SshSession::SshSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
SshSession::SshSession(SshSession&& other) noexcept = default;
SshSession& SshSession::operator=(SshSession&& other) noexcept = default;
SshSession::~SshSession() = default;

absl::StatusOr<SshSession> SshSession::Connect(const SshOptions& options, const Clock& clock) {
  GRANGE_RETURN_IF_ERROR(CheckName("host name", options.target.host));
  GRANGE_RETURN_IF_ERROR(CheckName("user name", options.target.user));
  GRANGE_ASSIGN_OR_RETURN(const KeyHandle key, ImportKey(options.private_key));

  const std::string target = options.target.ToString();
  auto state = std::make_unique<State>();
  state->target = options.target;
  state->clock = &clock;
  state->session.reset(ssh_new());
  ssh_session session = state->session.get();
  if (session == nullptr) return absl::ResourceExhaustedError("no memory for an ssh session");
  GRANGE_RETURN_IF_ERROR(Annotate(Configure(session, options), target));

  absl::StatusOr<os::UniqueFd> socket =
      TcpConnect(options.target.host, options.target.port, options.connect_timeout, clock);
  if (!socket.ok()) return Annotate(socket.status(), target);
  const socket_t fd = socket->get();
  GRANGE_RETURN_IF_ERROR(Set(session, SSH_OPTIONS_FD, &fd));
  socket->Release();  // libssh closes it with the session

  if (ssh_connect(session) != SSH_OK) {
    state->CutConnection();
    return absl::UnavailableError(
        absl::StrCat(target, ": no ssh handshake: ", ssh_get_error(session)));
  }
  absl::Status checked = CheckHostKey(session, options.target, options.known_hosts);
  if (checked.ok()) checked = LogIn(session, options.target, key.get());
  if (!checked.ok()) {
    state->CutConnection();
    return Annotate(checked, target);
  }
  ssh_set_blocking(session, 0);
  return SshSession(std::move(state));
}

absl::StatusOr<SshResult> SshSession::Run(const SshCommand& command) {
  if (state_->closed) {
    return absl::FailedPreconditionError(
        absl::StrCat(state_->target.ToString(), ": the session is closed; connect again"));
  }
  absl::StatusOr<SshResult> result = RunCommand(state_->session.get(), command, *state_->clock);
  if (!result.ok()) {
    state_->CutConnection();
    return Annotate(result.status(), state_->target.ToString());
  }
  return result;
}

}  // namespace grange::ssh
