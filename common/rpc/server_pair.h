#ifndef GRANGE_COMMON_RPC_SERVER_PAIR_H_
#define GRANGE_COMMON_RPC_SERVER_PAIR_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"

// What a server's certificate says of itself, and whether one can be served. Pure.
namespace grange::rpc {

struct CertificateFacts {
  std::vector<std::string> names;  // host names and addresses that it is made for
  absl::Time from, until;          // it is valid between these
};

// Of the first certificate of the text.
absl::StatusOr<CertificateFacts> ReadCertificate(const std::string& pem);

// kFailedPrecondition: it isn't valid yet, or not any more, at `now`; the text has its dates and
// asks for the clock where that may be the cause.
absl::Status CheckDates(const CertificateFacts& facts, absl::Time now);

// kFailedPrecondition: it is made for other names; the text has them.
absl::Status CheckName(const std::string& pem, const std::string& host);

// Whether gRPC may be given this pair: both parse, the key is the certificate's, it is in date, and
// its chain leads to `ca_pem`. gRPC itself ends the process where the key is empty.
absl::Status CheckPair(const KeyPair& pair, const std::string& ca_pem, absl::Time now);

// `chain_pem` with `ca_pem` at its end if it isn't in it: `grange-agent register` knows only the
// CA's fingerprint and takes the CA from the chain.
std::string WithCa(std::string chain_pem, const std::string& ca_pem);

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_SERVER_PAIR_H_
