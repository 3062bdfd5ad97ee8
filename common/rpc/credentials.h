#ifndef GRANGE_COMMON_RPC_CREDENTIALS_H_
#define GRANGE_COMMON_RPC_CREDENTIALS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

// The coordinator's certificates (ECDSA P-256; docs/formats/coordinator-state.md). Its own CA is
// made on first start; agents pin the CA's fingerprint, so it is never renewed silently. The
// server's certificate is made anew at each start.
namespace grange::rpc {

struct KeyPair {
  std::string certificate_pem;  // a server's: followed by its CA's
  std::string key_pem;
};

// The CA in `dir` (ca.pem, ca.key with mode 0600), made if both are missing. kDataLoss with the
// next step if one of them is missing or damaged.
absl::StatusOr<KeyPair> LoadOrMakeCa(const std::string& dir, absl::Time now);

// A server certificate for `names` (host names and addresses), valid for a year.
absl::StatusOr<KeyPair> IssueServerCertificate(const KeyPair& ca,
                                               const std::vector<std::string>& names,
                                               absl::Time now);

// SHA-256 of the (first) certificate's DER form, in 64 hex digits.
absl::StatusOr<std::string> Fingerprint(const std::string& certificate_pem);

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_CREDENTIALS_H_
