#include "coordinator/store/checked_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "coordinator/store/page_sum.h"

namespace grange::store {
namespace {

constexpr int kHeaderBytes = 100;  // of page 1
constexpr int kReserveAt = 20;
constexpr int kApplicationIdAt = 68;
constexpr int kPageBytesMin = 512;
constexpr int kLogHeaderBytes = 32;
constexpr int kFrameHeaderBytes = 24;  // before each page of the log
constexpr int kFrameSumAt = 16;        // in it
constexpr int kLogHeaderSumAt = 24;
constexpr int kWriterLock = 0;  // of the locks in shared memory
constexpr int kTellState = 0x47524e47;  // our file control
constexpr sqlite3_int64 kNothing = std::numeric_limits<sqlite3_int64>::max();

// SQLite allots the bytes of a File; the file of the VFS below lies behind it.
template <typename File>
sqlite3_file* Below(File* file) {
  return reinterpret_cast<sqlite3_file*>(file + 1);
}

// The database. Used by one connection, so by one thread at a time.
struct DatabaseFile : sqlite3_file {
  bool checked = false;  // its pages have checksums
  bool is_new = false;   // it had no page when it was opened
  // The first byte of the log that the transaction which is open here has written. SQLite completes
  // the checksums of what lies behind it at the commit, and not before.
  sqlite3_int64 uncommitted_from = kNothing;
  std::string damage;
  std::vector<unsigned char> page;  // that is being written
};

struct LogFile : sqlite3_file {
  DatabaseFile* database = nullptr;  // lives longer
};

bool IsPage(int size, sqlite3_int64 at) {
  return size >= kPageBytesMin && std::has_single_bit(static_cast<unsigned>(size)) &&
         at % size == 0;
}

PageSum SumOfPage(const void* page, int size, sqlite3_int64 at) {
  const PageSum number = {static_cast<uint32_t>(at / size + 1), 0x9e3779b9};
  return AddTo(number, page, static_cast<size_t>(size - kCheckedReserve));
}

void LookAtHeader(DatabaseFile& file, const unsigned char* header) {
  file.checked = header[kReserveAt] == kCheckedReserve ||
                 BigEndian(header + kApplicationIdAt) == uint32_t{kCheckedApplicationId};
}

// The database file.

int ReadDatabase(sqlite3_file* base, void* to, int size, sqlite3_int64 at) {
  DatabaseFile& file = *static_cast<DatabaseFile*>(base);
  const int code = Below(&file)->pMethods->xRead(Below(&file), to, size, at);
  if (code == SQLITE_OK && at == 0 && size >= kHeaderBytes) {
    LookAtHeader(file, static_cast<const unsigned char*>(to));
  }
  // Bytes of the header alone are read before page 1 is, and again to see whether it has changed.
  const bool of_header = at + size <= kHeaderBytes;
  if (!file.checked || of_header || (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)) {
    return code;
  }
  if (!IsPage(size, at)) {
    file.damage = absl::StrCat("SQLite reads ", size, " bytes at ", at, ", which is no page");
    return SQLITE_IOERR_DATA;
  }
  if (code == SQLITE_OK) {
    PageSum stored;
    std::memcpy(&stored, static_cast<const char*>(to) + size - sizeof(stored), sizeof(stored));
    if (stored == SumOfPage(to, size, at)) return SQLITE_OK;
  }
  file.damage = absl::StrCat("page ", at / size + 1,
                             code == SQLITE_OK ? " does not fit its checksum" : " is missing");
  return SQLITE_IOERR_DATA;
}

int WriteDatabase(sqlite3_file* base, const void* from, int size, sqlite3_int64 at) {
  DatabaseFile& file = *static_cast<DatabaseFile*>(base);
  if (at == 0 && size >= kHeaderBytes) {
    LookAtHeader(file, static_cast<const unsigned char*>(from));
    if (!file.checked && file.is_new) return SQLITE_IOERR_WRITE;
  }
  if (!file.checked || !IsPage(size, at)) {
    return Below(&file)->pMethods->xWrite(Below(&file), from, size, at);
  }
  const unsigned char* const bytes = static_cast<const unsigned char*>(from);
  file.page.assign(bytes, bytes + size);
  const PageSum sum = SumOfPage(from, size, at);
  std::memcpy(file.page.data() + size - sizeof(sum), &sum, sizeof(sum));
  return Below(&file)->pMethods->xWrite(Below(&file), file.page.data(), size, at);
}

int ControlDatabase(sqlite3_file* base, int what, void* argument) {
  DatabaseFile& file = *static_cast<DatabaseFile*>(base);
  if (what != kTellState) {
    return Below(&file)->pMethods->xFileControl(Below(&file), what, argument);
  }
  *static_cast<const DatabaseFile**>(argument) = &file;
  return SQLITE_OK;
}

int LockDatabaseMemory(sqlite3_file* base, int from, int count, int flags) {
  DatabaseFile& file = *static_cast<DatabaseFile*>(base);
  if (from == kWriterLock && (flags & SQLITE_SHM_EXCLUSIVE) != 0) file.uncommitted_from = kNothing;
  return Below(&file)->pMethods->xShmLock(Below(&file), from, count, flags);
}

int MapDatabaseMemory(sqlite3_file* base, int region, int size, int extend, void volatile** to) {
  sqlite3_file* const below = Below(static_cast<DatabaseFile*>(base));
  return below->pMethods->xShmMap(below, region, size, extend, to);
}

void DatabaseMemoryBarrier(sqlite3_file* base) {
  sqlite3_file* const below = Below(static_cast<DatabaseFile*>(base));
  below->pMethods->xShmBarrier(below);
}

int UnmapDatabaseMemory(sqlite3_file* base, int remove) {
  sqlite3_file* const below = Below(static_cast<DatabaseFile*>(base));
  return below->pMethods->xShmUnmap(below, remove);
}

// The write-ahead log.

// Compares the page of the frame at `page_at` with the frame's checksum, which goes on from that of
// the frame before it.
int CheckFrame(LogFile& file, const void* page, int size, sqlite3_int64 page_at) {
  sqlite3_file* const below = Below(&file);
  const sqlite3_int64 frame_bytes = kFrameHeaderBytes + size;
  const sqlite3_int64 frame_at = page_at - kFrameHeaderBytes;
  const sqlite3_int64 frame = (frame_at - kLogHeaderBytes) / frame_bytes;  // from 0
  unsigned char before[8];
  const int read_before = below->pMethods->xRead(
      below, before, sizeof(before),
      frame == 0 ? kLogHeaderSumAt : frame_at - frame_bytes + kFrameSumAt);
  if (read_before != SQLITE_OK) return read_before;
  unsigned char header[kFrameHeaderBytes];
  const int read_header = below->pMethods->xRead(below, header, sizeof(header), frame_at);
  if (read_header != SQLITE_OK) return read_header;
  const PageSum sum = AddTo(AddTo(StoredSum(before), header, 8), page, static_cast<size_t>(size));
  if (sum == StoredSum(header + kFrameSumAt)) return SQLITE_OK;
  file.database->damage = absl::StrCat("page ", BigEndian(header), " in its log (frame ", frame + 1,
                                       ") does not fit its checksum");
  return SQLITE_IOERR_DATA;
}

int ReadLog(sqlite3_file* base, void* to, int size, sqlite3_int64 at) {
  LogFile& file = *static_cast<LogFile*>(base);
  const int code = Below(&file)->pMethods->xRead(Below(&file), to, size, at);
  const bool page_of_frame =
      IsPage(size, 0) && at > kLogHeaderBytes &&
      (at - kLogHeaderBytes) % (kFrameHeaderBytes + size) == kFrameHeaderBytes;
  if (!page_of_frame || at >= file.database->uncommitted_from) return code;
  if (code == SQLITE_OK) return CheckFrame(file, to, size, at);
  if (code != SQLITE_IOERR_SHORT_READ) return code;
  file.database->damage = absl::StrCat("its log ends before byte ", at + size);
  return SQLITE_IOERR_DATA;
}

int WriteLog(sqlite3_file* base, const void* from, int size, sqlite3_int64 at) {
  LogFile& file = *static_cast<LogFile*>(base);
  file.database->uncommitted_from = std::min(file.database->uncommitted_from, at);
  return Below(&file)->pMethods->xWrite(Below(&file), from, size, at);
}

int ControlLog(sqlite3_file* base, int what, void* argument) {
  sqlite3_file* const below = Below(static_cast<LogFile*>(base));
  return below->pMethods->xFileControl(below, what, argument);
}

// Both files.

template <typename File>
int Close(sqlite3_file* base) {
  File* const file = static_cast<File*>(base);
  const int code = Below(file)->pMethods->xClose(Below(file));
  std::destroy_at(file);
  return code;
}

template <typename File>
sqlite3_io_methods CommonMethods() {
  sqlite3_io_methods methods{};
  methods.xClose = Close<File>;
  methods.xTruncate = [](sqlite3_file* base, sqlite3_int64 size) {
    sqlite3_file* const below = Below(static_cast<File*>(base));
    return below->pMethods->xTruncate(below, size);
  };
  methods.xSync = [](sqlite3_file* base, int flags) {
    sqlite3_file* const below = Below(static_cast<File*>(base));
    return below->pMethods->xSync(below, flags);
  };
  methods.xFileSize = [](sqlite3_file* base, sqlite3_int64* size) {
    sqlite3_file* const below = Below(static_cast<File*>(base));
    return below->pMethods->xFileSize(below, size);
  };
  methods.xLock = [](sqlite3_file* base, int lock) {
    sqlite3_file* const below = Below(static_cast<File*>(base));
    return below->pMethods->xLock(below, lock);
  };
  methods.xUnlock = [](sqlite3_file* base, int lock) {
    sqlite3_file* const below = Below(static_cast<File*>(base));
    return below->pMethods->xUnlock(below, lock);
  };
  methods.xCheckReservedLock = [](sqlite3_file* base, int* held) {
    sqlite3_file* const below = Below(static_cast<File*>(base));
    return below->pMethods->xCheckReservedLock(below, held);
  };
  methods.xSectorSize = [](sqlite3_file* base) {
    sqlite3_file* const below = Below(static_cast<File*>(base));
    return below->pMethods->xSectorSize(below);
  };
  methods.xDeviceCharacteristics = [](sqlite3_file* base) {
    sqlite3_file* const below = Below(static_cast<File*>(base));
    return below->pMethods->xDeviceCharacteristics(below);
  };
  return methods;
}

const sqlite3_io_methods& DatabaseMethods() {
  static const sqlite3_io_methods methods = [] {
    sqlite3_io_methods made = CommonMethods<DatabaseFile>();
    made.iVersion = 2;  // with shared memory; without pages that are mapped and so read by nobody
    made.xRead = ReadDatabase;
    made.xWrite = WriteDatabase;
    made.xFileControl = ControlDatabase;
    made.xShmMap = MapDatabaseMemory;
    made.xShmLock = LockDatabaseMemory;
    made.xShmBarrier = DatabaseMemoryBarrier;
    made.xShmUnmap = UnmapDatabaseMemory;
    return made;
  }();
  return methods;
}

const sqlite3_io_methods& LogMethods() {
  static const sqlite3_io_methods methods = [] {
    sqlite3_io_methods made = CommonMethods<LogFile>();
    made.iVersion = 1;
    made.xRead = ReadLog;
    made.xWrite = WriteLog;
    made.xFileControl = ControlLog;
    return made;
  }();
  return methods;
}

// SQLite's own VFS, found before ours is registered.
sqlite3_vfs* SystemVfs() {
  static sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  return vfs;
}

// A File in the bytes that SQLite has allotted, with the system's file behind it.
template <typename File>
int OpenAs(const char* path, sqlite3_file* base, int flags, int* flags_out) {
  File* const file = new (base) File;
  sqlite3_file* const below = Below(file);
  below->pMethods = nullptr;
  const int code = SystemVfs()->xOpen(SystemVfs(), path, below, flags, flags_out);
  if (code == SQLITE_OK) return code;
  if (below->pMethods != nullptr) below->pMethods->xClose(below);
  std::destroy_at(file);
  base->pMethods = nullptr;  // SQLite closes a file that has methods
  return code;
}

int OpenDatabase(const char* path, sqlite3_file* base, int flags, int* flags_out) {
  const int code = OpenAs<DatabaseFile>(path, base, flags, flags_out);
  if (code != SQLITE_OK) return code;
  DatabaseFile& file = *static_cast<DatabaseFile*>(base);
  file.pMethods = &DatabaseMethods();
  sqlite3_int64 size = 0;
  const int sized = Below(&file)->pMethods->xFileSize(Below(&file), &size);
  // What isn't there yet will have checksums: page 1, which says so, may be written last.
  file.is_new = file.checked = sized == SQLITE_OK && size == 0;
  return sized;
}

int OpenLog(const char* path, sqlite3_file* base, int flags, int* flags_out) {
  const int code = OpenAs<LogFile>(path, base, flags, flags_out);
  if (code != SQLITE_OK) return code;
  base->pMethods = &LogMethods();
  static_cast<LogFile*>(base)->database =
      static_cast<DatabaseFile*>(sqlite3_database_file_object(path));
  return SQLITE_OK;
}

int Open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) return OpenDatabase(path, file, flags, flags_out);
  if ((flags & SQLITE_OPEN_WAL) != 0) return OpenLog(path, file, flags, flags_out);
  return SystemVfs()->xOpen(SystemVfs(), path, file, flags, flags_out);
}

const DatabaseFile* FileOf(sqlite3* database) {
  const DatabaseFile* file = nullptr;
  if (sqlite3_file_control(database, "main", kTellState, &file) != SQLITE_OK) return nullptr;
  return file;
}

}  // namespace

const char* CheckedFileVfs() {
  // SQLite keeps the pointer for ever. All but the opening of files is as the system's VFS has it,
  // whose functions find in the copy what they expect.
  static const sqlite3_vfs* const vfs = [] {
    static sqlite3_vfs ours = *SystemVfs();
    ours.pNext = nullptr;
    ours.zName = "grange-checked";
    ours.szOsFile += static_cast<int>(std::max(sizeof(DatabaseFile), sizeof(LogFile)));
    ours.xOpen = Open;
    GRANGE_CHECK(sqlite3_vfs_register(&ours, /*makeDflt=*/0) == SQLITE_OK);
    return &ours;
  }();
  return vfs->zName;
}

bool HasChecksums(sqlite3* database) {
  const DatabaseFile* const file = FileOf(database);
  return file != nullptr && file->checked;
}

std::string DamageOf(sqlite3* database) {
  const DatabaseFile* const file = FileOf(database);
  return file == nullptr ? "" : file->damage;
}

}  // namespace grange::store
