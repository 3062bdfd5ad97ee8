#include "tests/support/database_damage.h"

#include <sqlite3.h>

#include "absl/strings/str_cat.h"
#include "coordinator/store/checked_file.h"

namespace grange::test {

std::string DatabaseDamage(const std::string& path) {
  sqlite3* database = nullptr;
  std::string damage;
  const auto take = [](void* to, int, char** values, char**) {
    const std::string line = values[0] == nullptr ? "" : values[0];
    if (line != "ok") absl::StrAppend(static_cast<std::string*>(to), line, "\n");
    return 0;
  };
  if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, store::CheckedFileVfs()) !=
          SQLITE_OK ||
      sqlite3_exec(database, "PRAGMA integrity_check", take, &damage, nullptr) != SQLITE_OK) {
    damage = database == nullptr ? "no memory" : sqlite3_errmsg(database);
  }
  if (database != nullptr) absl::StrAppend(&damage, store::DamageOf(database));
  sqlite3_close(database);
  return damage;
}

}  // namespace grange::test
