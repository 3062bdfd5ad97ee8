#ifndef GRANGE_COORDINATOR_SERVER_FIRST_START_H_
#define GRANGE_COORDINATOR_SERVER_FIRST_START_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/store/store.h"

namespace grange::server {

// Writes `state_dir`/grangectl.yml (address, CA, an administrator's token; mode 0600;
// docs/formats/grangectl-yml.md). The token is made with the first one; later starts only renew the
// address and the CA. If the file is gone, a new token is made: whoever can write the state
// directory is an administrator.
absl::Status WriteCtlConfig(const std::string& state_dir, const std::string& address,
                            const std::string& ca_pem, store::Store& store, absl::Time now);

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_FIRST_START_H_
