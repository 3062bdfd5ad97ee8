#ifndef GRANGE_TESTS_SUPPORT_SSHD_H_
#define GRANGE_TESTS_SUPPORT_SSHD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/mutex.h"
#include "common/os/child.h"
#include "common/os/unique_fd.h"

namespace grange::test {

// A real sshd on loopback with a port, a host key and a user key of its own, for the account that
// runs the test. Needs no root; as root it makes /run/sshd, on which sshd then insists. Ended, and
// its folder removed, when it goes.
class PrivateSshd {
 public:
  static absl::StatusOr<std::unique_ptr<PrivateSshd>> Start();
  ~PrivateSshd();
  PrivateSshd(const PrivateSshd&) = delete;
  PrivateSshd& operator=(const PrivateSshd&) = delete;

  uint16_t port() const { return port_; }
  const std::string& user() const { return user_; }
  const std::string& folder() const { return folder_; }  // the test may put files there

  // Text of the key that logs in.
  absl::StatusOr<std::string> PrivateKey() const;
  // "ssh-ed25519 AAAA…": the host key as a known_hosts file has it after the name.
  absl::StatusOr<std::string> HostKey() const;
  // A new key pair of this type ("ed25519", "ecdsa"), which opens nothing: its private file's path;
  // the public half is beside it as .pub.
  absl::StatusOr<std::string> MakeKey(absl::string_view type, absl::string_view name) const;

  // What sshd has logged so far.
  std::string Log() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  PrivateSshd() = default;

  absl::Status WriteConfig() const;
  // kUnavailable if sshd ended at once, perhaps because the port was taken in the meantime.
  absl::Status StartOnPort(uint16_t port);
  void CollectLog();
  void Stop();

  std::string folder_;
  std::string user_;
  uint16_t port_ = 0;
  std::unique_ptr<os::Child> child_;
  os::UniqueFd log_pipe_;
  os::UniqueFd stop_event_;
  std::thread log_thread_;

  base::Mutex mu_;
  base::CondVar changed_;
  std::string log_ ABSL_GUARDED_BY(mu_);
  bool log_ended_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace grange::test

#endif  // GRANGE_TESTS_SUPPORT_SSHD_H_
