#ifndef GRANGE_COORDINATOR_STORE_LOG_CHECK_H_
#define GRANGE_COORDINATOR_STORE_LOG_CHECK_H_

#include <string>

#include "absl/status/status.h"

namespace grange::store {

// Whether SQLite will find in the write-ahead log of the database `path` all that was committed. To
// be asked before the database is opened: SQLite takes a damaged log for one whose end was not
// written, and what lies behind the damage is gone without a word.
//
// kDataLoss, with the place and what to do, if it won't. How much was committed is known from the
// shared memory's file, which a killed process leaves as it was; after a power loss it may be older
// than the log, so that damage in the log's last transactions can't be told from an end that was
// never written. Without that file, and where there is no log, all is well.
absl::Status CheckLog(const std::string& path);

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_LOG_CHECK_H_
