#include "common/rpc/fetch_ca.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/rpc/server_pair.h"
#include "common/rpc/tls_probe.h"

namespace grange::rpc {

absl::StatusOr<std::string> FetchCa(const std::string& address, absl::string_view fingerprint,
                                    absl::Duration timeout) {
  GRANGE_ASSIGN_OR_RETURN(const HostPort target, SplitHostPort(address));
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd fd, ConnectTcp(target, timeout));
  GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> chain,
                          FetchChain(fd.get(), target, timeout));
  const absl::StatusOr<std::string> ca = FindByFingerprint(chain, fingerprint);
  if (!ca.ok()) {
    return absl::UnauthenticatedError(absl::StrCat(
        "the server at ", address,
        " is not the coordinator that made this token (its CA has another "
        "fingerprint); check the address, or make a new token with 'grangectl token create "
        "--registration'"));
  }
  GRANGE_RETURN_IF_ERROR(CheckName(chain.front(), target.host));
  return ca;
}

}  // namespace grange::rpc
