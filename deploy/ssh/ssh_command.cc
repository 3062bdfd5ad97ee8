#include "deploy/ssh/ssh_command.h"

#include <libssh/callbacks.h>

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/status_macros.h"
#include "deploy/ssh/ssh_handles.h"

namespace grange::ssh {
namespace {

// The status may overtake output that is still in the host's pipes. What comes within this time
// after the status, or after the last byte since, still belongs to the command.
constexpr absl::Duration kDrainQuiet = absl::Seconds(1);
constexpr absl::Duration kDrainMax = absl::Seconds(10);

struct ChannelFree {
  void operator()(ssh_channel channel) const { ssh_channel_free(channel); }
};
using ChannelHandle = std::unique_ptr<ssh_channel_struct, ChannelFree>;

struct EventFree {
  void operator()(ssh_event event) const { ssh_event_free(event); }
};
using EventHandle = std::unique_ptr<ssh_event_struct, EventFree>;

// One command on one channel. libssh calls the static functions from within Poll().
class RunningCommand {
 public:
  RunningCommand(ssh_session session, const SshCommand& command, const Clock& clock)
      : session_(session),
        command_(command),
        clock_(clock),
        deadline_(clock.SinceBoot() + command.timeout),
        heard_at_(clock.SinceBoot()) {}

  absl::StatusOr<SshResult> Run() {
    GRANGE_RETURN_IF_ERROR(Open());
    GRANGE_RETURN_IF_ERROR(AwaitStatus());
    GRANGE_RETURN_IF_ERROR(Drain());
    result_.output_complete = ended_;
    return std::move(result_);
  }

  ~RunningCommand() {
    if (event_ != nullptr) ssh_event_remove_session(event_.get(), session_);
    if (channel_ != nullptr) ssh_remove_channel_callbacks(channel_.get(), &callbacks_);
  }
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

 private:
  absl::Status Open() {
    event_.reset(ssh_event_new());
    channel_.reset(ssh_channel_new(session_));
    if (event_ == nullptr || channel_ == nullptr ||
        ssh_event_add_session(event_.get(), session_) != SSH_OK) {
      return absl::ResourceExhaustedError("no memory for an ssh channel");
    }
    callbacks_.userdata = this;
    callbacks_.channel_data_function = OnData;
    callbacks_.channel_eof_function = OnEnd;
    callbacks_.channel_close_function = OnClose;
    callbacks_.channel_exit_status_function = OnExitStatus;
    callbacks_.channel_exit_signal_function = OnExitSignal;
    ssh_callbacks_init(&callbacks_);
    if (ssh_set_channel_callbacks(channel_.get(), &callbacks_) != SSH_OK) {
      return absl::InternalError(ssh_get_error(session_));
    }
    GRANGE_RETURN_IF_ERROR(
        Finish("open a channel", [this] { return ssh_channel_open_session(channel_.get()); }));
    GRANGE_RETURN_IF_ERROR(Finish("start the command", [this] {
      return ssh_channel_request_exec(channel_.get(), command_.text.c_str());
    }));
    return Finish("close its input", [this] { return ssh_channel_send_eof(channel_.get()); });
  }

  absl::Status AwaitStatus() {
    while (!has_status_) {
      if (closed_) {
        return absl::UnavailableError(
            "the host closed the channel without an exit status; whether the command ended well "
            "is unknown");
      }
      GRANGE_RETURN_IF_ERROR(CheckLimits());
      GRANGE_RETURN_IF_ERROR(Poll(std::min(deadline_, heard_at_ + command_.quiet_timeout)));
    }
    return absl::OkStatus();
  }

  absl::Status Drain() {
    const absl::Duration until = clock_.SinceBoot() + kDrainMax;
    heard_at_ = clock_.SinceBoot();
    while (!ended_) {
      const absl::Duration limit = std::min(until, heard_at_ + kDrainQuiet);
      if (clock_.SinceBoot() >= limit) break;
      GRANGE_RETURN_IF_ERROR(CheckOutput());
      GRANGE_RETURN_IF_ERROR(Poll(limit));
    }
    return CheckOutput();
  }

  // Repeats `call` until libssh has sent the request and heard the answer.
  template <typename Call>
  absl::Status Finish(absl::string_view what, Call call) {
    for (;;) {
      const int rc = call();
      if (rc == SSH_OK) return absl::OkStatus();
      if (rc != SSH_AGAIN) {
        return absl::UnavailableError(absl::StrCat("cannot ", what, ": ", ssh_get_error(session_)));
      }
      GRANGE_RETURN_IF_ERROR(CheckLimits());
      GRANGE_RETURN_IF_ERROR(Poll(std::min(deadline_, heard_at_ + command_.quiet_timeout)));
    }
  }

  absl::Status CheckLimits() const {
    const absl::Duration now = clock_.SinceBoot();
    if (now >= deadline_) {
      return absl::DeadlineExceededError(
          absl::StrCat("the command did not end within ", absl::FormatDuration(command_.timeout)));
    }
    if (now >= heard_at_ + command_.quiet_timeout) {
      return absl::DeadlineExceededError(absl::StrCat("nothing was heard for ",
                                                      absl::FormatDuration(command_.quiet_timeout),
                                                      "; the line or the command hangs"));
    }
    return CheckOutput();
  }

  absl::Status CheckOutput() const {
    if (!overflow_) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrCat("the command printed more than the ",
                                                     command_.output_bytes_max,
                                                     " bytes it may; send its output to a file"));
  }

  // Sleeps until the peer says something or `until`.
  absl::Status Poll(absl::Duration until) {
    const absl::Duration left = std::max(until - clock_.SinceBoot(), absl::ZeroDuration());
    const int64_t millis =
        absl::ToInt64Milliseconds(std::min(left, absl::Hours(1))) + 1;  // rounded up: no spinning
    if (ssh_event_dopoll(event_.get(), static_cast<int>(millis)) != SSH_ERROR &&
        ssh_is_connected(session_)) {
      return absl::OkStatus();
    }
    // The last packets may have brought the end of the command together with that of the line.
    if (has_status_ && ended_) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("the connection broke: ", ssh_get_error(session_)));
  }

  static RunningCommand& Self(void* userdata) { return *static_cast<RunningCommand*>(userdata); }

  static int OnData(ssh_session, ssh_channel, void* data, uint32_t size, int is_stderr,
                    void* userdata) {
    RunningCommand& self = Self(userdata);
    self.heard_at_ = self.clock_.SinceBoot();
    if (self.result_.out.size() + self.result_.err.size() + size > self.command_.output_bytes_max) {
      self.overflow_ = true;
    } else {
      (is_stderr ? self.result_.err : self.result_.out)
          .append(static_cast<const char*>(data), size);
    }
    return static_cast<int>(size);  // all of it is taken, also what is over the limit
  }

  static void OnEnd(ssh_session, ssh_channel, void* userdata) { Self(userdata).ended_ = true; }

  static void OnClose(ssh_session, ssh_channel, void* userdata) {
    Self(userdata).ended_ = true;
    Self(userdata).closed_ = true;
  }

  static void OnExitStatus(ssh_session, ssh_channel, int status, void* userdata) {
    Self(userdata).has_status_ = true;
    Self(userdata).result_.exit_code = status;
  }

  static void OnExitSignal(ssh_session, ssh_channel, const char* signal, int, const char*,
                           const char*, void* userdata) {
    Self(userdata).has_status_ = true;
    Self(userdata).result_.exit_code = 128;
    Self(userdata).result_.signal = signal == nullptr || *signal == '\0' ? "unknown" : signal;
  }

  const ssh_session session_;
  const SshCommand& command_;
  const Clock& clock_;
  const absl::Duration deadline_;  // these three on the clock's SinceBoot()
  absl::Duration heard_at_;
  ssh_channel_callbacks_struct callbacks_{};
  ChannelHandle channel_;
  EventHandle event_;
  SshResult result_;
  bool has_status_ = false;
  bool ended_ = false;     // no more output will come
  bool closed_ = false;    // no more of anything
  bool overflow_ = false;  // output beyond the limit was thrown away
};

}  // namespace

absl::StatusOr<SshResult> RunCommand(ssh_session_struct* session, const SshCommand& command,
                                     const Clock& clock) {
  return RunningCommand(session, command, clock).Run();
}

}  // namespace grange::ssh
