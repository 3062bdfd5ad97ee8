#include "tests/support/database_change.h"

#include <sqlite3.h>

#include "coordinator/store/checked_file.h"

namespace grange::test {

std::string ChangeDatabase(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  std::string error;
  if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, store::CheckedFileVfs()) !=
          SQLITE_OK ||
      sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    error = database == nullptr ? "no memory" : sqlite3_errmsg(database);
  }
  sqlite3_close(database);
  return error;
}

}  // namespace grange::test
