#ifndef GRANGE_COORDINATOR_STORE_FILE_UPGRADE_H_
#define GRANGE_COORDINATOR_STORE_FILE_UPGRADE_H_

#include "absl/status/status.h"
#include "coordinator/store/connection.h"
#include "coordinator/store/sealer.h"

namespace grange::store {

// What a database of an older program needs beside the steps of its schema, once: values that
// people gave are sealed (sealed_text.h), the file is written anew, so that no free page keeps an
// old one and each page has a checksum (checked_file.h), and is marked as being so. Cut at any
// moment it is a good file, with which the next start goes on. A new database is only marked.
absl::Status UpgradeFile(Connection& connection, const Sealer& sealer);

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_FILE_UPGRADE_H_
