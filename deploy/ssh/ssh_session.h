#ifndef GRANGE_DEPLOY_SSH_SSH_SESSION_H_
#define GRANGE_DEPLOY_SSH_SSH_SESSION_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/secret.h"
#include "deploy/ssh/ssh_target.h"

namespace grange::ssh {

struct SshOptions {
  SshTarget target;
  std::string known_hosts;  // the only file whose host keys count
  Secret private_key;       // text of an OpenSSH or PEM key without passphrase; the only one tried
  absl::Duration connect_timeout = absl::Seconds(20);  // for each: connection, handshake, login
};

struct SshCommand {
  std::string text;  // for the account's own shell on the host; quoting is the caller's
  absl::Duration timeout = absl::Hours(1);
  // Ends a command of which nothing was heard for so long: a line that froze looks like silence.
  absl::Duration quiet_timeout = absl::Minutes(5);
  size_t output_bytes_max = 16 << 20;  // of out and err together
};

struct SshResult {
  int exit_code = 0;   // of the command; 128 if a signal ended it
  std::string signal;  // "KILL", "TERM", …: it ended so; else empty
  std::string out;
  std::string err;
  // False if something that the command left behind still holds its output, so that more may have
  // come later.
  bool output_complete = true;

  bool ok() const { return exit_code == 0 && signal.empty(); }
  std::string ToString() const;  // "exit status 3", "killed by signal KILL"
};

// A login on one host, for commands one after the other.
//
// Reads no configuration of OpenSSH's and no agent's keys: what it does depends on SshOptions only.
// Belongs to one thread at a time. SIGPIPE must be ignored in the process. Every call blocks up to
// its limits, also when the peer has vanished without a word.
class SshSession {
 public:
  // kInvalidArgument for a name or a key that cannot be used, kFailedPrecondition for a host key
  // that is not known (see host_key.h), kPermissionDenied if the host refuses the key,
  // kUnavailable or kDeadlineExceeded if it can't be reached. `clock` must outlive the session.
  static absl::StatusOr<SshSession> Connect(const SshOptions& options, const Clock& clock);

  SshSession(SshSession&& other) noexcept;
  SshSession& operator=(SshSession&& other) noexcept;
  ~SshSession();

  // Runs a command without input to its end, which is its exit status, not the end of its output:
  // a daemon that it leaves behind is not waited for. A status other than 0 is a result, no error.
  //
  // kDeadlineExceeded, kResourceExhausted (too much output) and kUnavailable (the connection broke,
  // or the host closed the channel without a status) leave the command's fate unknown. After them
  // the session is closed and answers kFailedPrecondition.
  absl::StatusOr<SshResult> Run(const SshCommand& command);

 private:
  struct State;
  explicit SshSession(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace grange::ssh

#endif  // GRANGE_DEPLOY_SSH_SSH_SESSION_H_
