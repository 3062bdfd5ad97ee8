#ifndef GRANGE_COMMON_RPC_FETCH_CA_H_
#define GRANGE_COMMON_RPC_FETCH_CA_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace grange::rpc {

// Asks the server at `address` ("host:port", "[v6]:port") for its certificates and returns that of
// its CA (PEM) if its fingerprint is `fingerprint`; nothing else of the answer is trusted. Blocks
// for at most `timeout`. kUnavailable (with the address) if nobody answers; kUnauthenticated if the
// fingerprint differs (somebody else answers, or the token is of another coordinator);
// kFailedPrecondition if the certificate is not made for this host name, naming those it is for.
absl::StatusOr<std::string> FetchCa(const std::string& address, absl::string_view fingerprint,
                                    absl::Duration timeout);

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_FETCH_CA_H_
