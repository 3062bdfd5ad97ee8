#ifndef GRANGE_COORDINATOR_STORE_SQLITE_STORE_H_
#define GRANGE_COORDINATOR_STORE_SQLITE_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "coordinator/store/store.h"

namespace grange::store {

// The store in one SQLite file (docs/formats/database.md). Makes the file `path` (its folder must
// exist) and the key file `key_path` if they are missing; holds `path`.lock for its life.
//
// kFailedPrecondition for a newer schema, a foreign file or a key that does not fit, kDataLoss for
// a damaged file, kAlreadyExists if another process uses it: each text says what to do. `clock`
// must outlive the store. Without `synced`, which is for measurements only, a crash of the machine
// may lose what was committed.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path,
                                                       const std::string& key_path,
                                                       const Clock& clock, bool synced = true);

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_SQLITE_STORE_H_
