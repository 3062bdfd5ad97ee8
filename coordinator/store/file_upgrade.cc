#include "coordinator/store/file_upgrade.h"

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/store/checked_file.h"
#include "coordinator/store/sealed_text.h"

namespace grange::store {
namespace {

// PRAGMA user_version, from which on all columns of sealed_text.h are sealed.
constexpr int64_t kAllSealed = 1;

absl::StatusOr<int64_t> ReadNumber(Connection& connection, const char* question) {
  Statement statement = connection.Prepare(question);
  GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Int(0) : 0;
}

}  // namespace

absl::Status UpgradeFile(Connection& connection, const Sealer& sealer) {
  GRANGE_ASSIGN_OR_RETURN(const int64_t sealed, ReadNumber(connection, "PRAGMA user_version"));
  GRANGE_ASSIGN_OR_RETURN(const int64_t marked, ReadNumber(connection, "PRAGMA application_id"));
  if (sealed >= kAllSealed && marked == kCheckedApplicationId) return absl::OkStatus();
  bool write_anew = !HasChecksums(connection.raw());
  if (sealed < kAllSealed) {
    GRANGE_RETURN_IF_ERROR(SealOlderRows(connection, sealer));
    // Also when a start was cut after it had sealed them.
    GRANGE_ASSIGN_OR_RETURN(const int64_t rows,
                            ReadNumber(connection, "SELECT 1 FROM pipelines LIMIT 1"));
    write_anew = write_anew || rows > 0;
  }
  if (write_anew) GRANGE_RETURN_IF_ERROR(connection.Execute("VACUUM"));
  // The log goes into the file at once: connections that are opened from now on find there that the
  // pages have checksums.
  return connection.Execute(
      absl::StrCat("BEGIN IMMEDIATE; PRAGMA user_version = ", kAllSealed,
                   "; PRAGMA application_id = ", kCheckedApplicationId,
                   "; COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")
          .c_str());
}

}  // namespace grange::store
