#ifndef GRANGE_COORDINATOR_SERVER_CERTIFICATE_KEEPER_H_
#define GRANGE_COORDINATOR_SERVER_CERTIFICATE_KEEPER_H_

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/os/event_loop.h"
#include "common/os/unique_fd.h"
#include "common/rpc/credentials.h"
#include "common/rpc/server_credentials.h"

namespace grange::server {

// PEM files of the operator: the certificate with those between it and the CA behind it, its key,
// and the CA that agents are to know.
struct CertificateFiles {
  std::string certificate, key, ca;

  bool empty() const { return certificate.empty() && key.empty() && ca.empty(); }
};

// Keeps the certificate that the coordinator shows good for as long as it runs; connections and the
// process go on.
//
// One of the coordinator's own CA is made anew when a third of its time is left. The operator's files
// are looked at when something in their folders changes: a pair that fits is shown from then on; for
// one that doesn't (written in place, empty for a moment, a key of another certificate) the last
// good one stays, and a warning names the file.
//
// Has a thread of its own, which alone looks at files; pair() is for any thread, the rest for its owner.
class CertificateKeeper {
 public:
  struct Options {
    CertificateFiles files;          // empty: the CA below makes them
    rpc::KeyPair ca;                 // of the operator's only the certificate
    std::vector<std::string> names;  // for the CA below
    // Files are read so long after a change: who writes one writes the other too.
    absl::Duration settle = absl::Milliseconds(200);
    absl::Duration check_every = absl::Hours(12);  // for what only time changes
  };
  // kFailedPrecondition, with the file and what is wrong, if there is no pair to begin with.
  // `clock` must outlive it.
  static absl::StatusOr<std::unique_ptr<CertificateKeeper>> Start(Options options,
                                                                  const Clock& clock);
  ~CertificateKeeper();
  CertificateKeeper(const CertificateKeeper&) = delete;
  CertificateKeeper& operator=(const CertificateKeeper&) = delete;

  const std::shared_ptr<rpc::ServedPair>& pair() const { return pair_; }

 private:
  CertificateKeeper(Options options, const Clock& clock);
  absl::StatusOr<rpc::KeyPair> Make() const;      // the next one to be shown
  absl::StatusOr<rpc::KeyPair> ReadFiles() const;
  void WatchFolders();
  // On the loop's thread:
  void OnFolderChanged();
  void LookAtFiles();
  void CheckAge();

  const Options options_;
  const Clock& clock_;
  std::shared_ptr<rpc::ServedPair> pair_;
  std::string last_warning_;  // each is said once
  bool settling_ = false;
  os::UniqueFd folders_;  // inotify
  os::EventLoop loop_;
  std::thread thread_;
};

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_CERTIFICATE_KEEPER_H_
