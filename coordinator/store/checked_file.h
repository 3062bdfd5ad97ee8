#ifndef GRANGE_COORDINATOR_STORE_CHECKED_FILE_H_
#define GRANGE_COORDINATOR_STORE_CHECKED_FILE_H_

#include <sqlite3.h>

#include <cstdint>
#include <string>

// Whatever SQLite reads of grange.db and of its log is compared with a checksum first, so that a
// byte that a disk has changed is an error and never a wrong value (docs/formats/database.md).
//
// It is a VFS, the layer below SQLite's pager. A database that was made through it has 8 reserved
// bytes at the end of each page: a checksum of the page and its number. One that an older program
// made has none until it is written anew (VACUUM, with kCheckedReserve asked for). In the log, each
// page is compared with the log's own checksum, which SQLite itself looks at after a crash only.
//
// Whoever writes the file through another VFS leaves wrong checksums.
namespace grange::store {

// The VFS's name, for sqlite3_open_v2. It is registered at the first call; any thread.
const char* CheckedFileVfs();

// For SQLITE_FCNTL_RESERVE_BYTES, before the first page is written: page 1 of a new database with
// another reserve is refused with SQLITE_IOERR_WRITE.
constexpr int kCheckedReserve = 8;

// PRAGMA application_id ("GRNG") of a database whose pages have checksums: a flipped byte where
// page 1 says how many bytes are reserved doesn't make it one without.
constexpr int kCheckedApplicationId = 0x47524e47;

// True if the pages of the database file have checksums. `database` was opened with
// CheckedFileVfs().
bool HasChecksums(sqlite3* database);

// What was wrong when a call on `database` last gave SQLITE_IOERR_DATA: which page of which of the
// two files. Empty if that never happened.
std::string DamageOf(sqlite3* database);

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_CHECKED_FILE_H_
