#ifndef GRANGE_COORDINATOR_STORE_SCHEMA_H_
#define GRANGE_COORDINATOR_STORE_SCHEMA_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/connection.h"

// The tables of grange.db and their version (docs/formats/database.md).
namespace grange::store {

// The version that this program writes.
int SchemaVersion();

// The version of the schema in the file. kFailedPrecondition, naming both versions, if it is newer
// than this program, or if the file is no database of Grange.
absl::StatusOr<int> ReadSchemaVersion(Connection& connection, const std::string& path);

// Looks at the version before anything else; makes the tables in an empty file; brings an older
// schema up to date, one version at a time. kFailedPrecondition, naming both versions, if the
// file is newer than this program or no database of Grange; kDataLoss if it is damaged.
absl::Status PrepareSchema(Connection& connection, const std::string& path);

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_SCHEMA_H_
