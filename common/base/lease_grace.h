#ifndef GRANGE_COMMON_BASE_LEASE_GRACE_H_
#define GRANGE_COMMON_BASE_LEASE_GRACE_H_

#include "absl/time/time.h"

namespace grange {

// What a job with `on_disconnect: stop` has between SIGTERM and SIGKILL once its lease is over. The
// agent's side keeps it, also at a timeout; the coordinator gives no such job up before it has
// passed.
inline constexpr absl::Duration kLeaseGrace = absl::Seconds(10);

}  // namespace grange

#endif  // GRANGE_COMMON_BASE_LEASE_GRACE_H_
