// A database of an older program, whose pages have no checksums, gets them once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/coordinator/store/all_rows.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::store {
namespace {

using ::testing::HasSubstr;

constexpr int kPipelines = 10;
constexpr size_t kReserveAt = 20;  // in the file's header

// All writes of SQLite to its files in a child: the one at which it kills itself comes nearer.
int writes_left = 0;

void CountWrite() {
  if (--writes_left == 0) ::kill(::getpid(), SIGKILL);
}
ssize_t CountedWrite(int fd, const void* bytes, size_t size, off_t at) {
  CountWrite();
  return ::pwrite(fd, bytes, size, at);
}
int CountedTruncate(int fd, off_t size) {
  CountWrite();
  return ::ftruncate(fd, size);
}

class FileUpgradeTest : public StoreFixture {
 protected:
  // The rows as another program would have written them: copied by SQLite alone, without checksums.
  // That is also what `sqlite3 grange.db .dump | sqlite3 new.db` makes.
  void MakeOlder(int user_version) {
    const std::string older = dir() + "/older.db";
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(older.c_str(), &db), SQLITE_OK);
    Run(db, "PRAGMA journal_mode = WAL");
    Run(db, absl::StrCat("ATTACH '", db_path(), "' AS full"));
    const std::string tables =
        "FROM full.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    for (const std::string& sql : Column(db, "SELECT sql " + tables)) Run(db, sql);
    for (const std::string& name : Column(db, "SELECT name " + tables)) {
      Run(db, absl::StrCat("INSERT INTO main.", name, " SELECT * FROM full.", name));
    }
    Run(db, "DELETE FROM main.sqlite_sequence");
    Run(db, "INSERT INTO main.sqlite_sequence SELECT * FROM full.sqlite_sequence");
    for (const std::string& sql :
         Column(db, "SELECT sql FROM full.sqlite_schema WHERE type <> 'table' AND sql <> ''")) {
      Run(db, sql);
    }
    Run(db, absl::StrCat("PRAGMA main.user_version = ", user_version));
    sqlite3_close(db);
    ASSERT_TRUE(os::WriteFile(db_path(), os::ReadFile(older, 1 << 30).value()).ok());
    ASSERT_TRUE(os::RemoveTree(older).ok());
    ASSERT_EQ(Bytes()[kReserveAt], 0);
  }

  static void Run(sqlite3* db, const std::string& sql) {
    ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sql << ": " << sqlite3_errmsg(db);
  }
  static std::vector<std::string> Column(sqlite3* db, const std::string& question) {
    std::vector<std::string> values;
    const auto take = [](void* to, int, char** row, char**) {
      static_cast<std::vector<std::string>*>(to)->emplace_back(row[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(db, question.c_str(), take, &values, nullptr), SQLITE_OK);
    return values;
  }

  std::string Bytes() { return os::ReadFile(db_path(), 1 << 30).value(); }

  void Fill() {
    FillStore(store(), project(), kPipelines);
    written_ = ReadAllRows(store(), project(), kPipelines);
    Close();
  }
  void ExpectAllRows() {
    for (const auto& [question, answer] : ReadAllRows(store(), project(), kPipelines)) {
      ASSERT_TRUE(answer.ok()) << question << ": " << answer.status();
      EXPECT_EQ(*answer, *written_.at(question)) << question;
    }
  }

  AllRows written_;
};

TEST_F(FileUpgradeTest, C8AFileWithoutChecksumsGetsThemOnceAndKeepsItsRows) {
  Fill();
  for (const int user_version : {0, 1}) {
    MakeOlder(user_version);
    Open();
    ExpectAllRows();
    Close();
    const std::string upgraded = Bytes();
    EXPECT_EQ(upgraded[kReserveAt], kCheckedReserve);
    Open();
    ExpectAllRows();
    Close();
    EXPECT_TRUE(Bytes() == upgraded);  // it was not written again
  }
  std::string damaged = Bytes();
  damaged[damaged.size() - 100] ^= 1;
  ASSERT_TRUE(os::WriteFile(db_path(), damaged).ok());
  EXPECT_EQ(OpenError().code(), absl::StatusCode::kDataLoss);
}

TEST_F(FileUpgradeTest, C8AKillAtAnyWriteOfTheUpgradeLeavesAGoodFile) {
  Fill();
  MakeOlder(1);
  const std::string older = Bytes();
  int writes = 0;
  for (bool killed = true; killed && !HasFailure();) {
    ++writes;
    SCOPED_TRACE(absl::StrCat("killed at write ", writes));
    ASSERT_TRUE(os::WriteFile(db_path(), older).ok());
    const pid_t child = ::fork();
    if (child == 0) {
      writes_left = writes;
      sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
      for (const char* name : {"pwrite", "pwrite64"}) {
        vfs->xSetSystemCall(vfs, name, reinterpret_cast<sqlite3_syscall_ptr>(CountedWrite));
      }
      vfs->xSetSystemCall(vfs, "ftruncate",
                          reinterpret_cast<sqlite3_syscall_ptr>(CountedTruncate));
      ::_exit(OpenError().ok() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    killed = WIFSIGNALED(status);
    ASSERT_TRUE(killed || WEXITSTATUS(status) == 0);
    Open();
    ExpectAllRows();
    Close();
    EXPECT_EQ(Bytes()[kReserveAt], kCheckedReserve);
  }
  EXPECT_GT(writes, 100);
}

TEST_F(FileUpgradeTest, C8APageThatAnotherProgramWroteIsRefusedUntilTheFileIsMadeAnew) {
  Fill();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(db_path().c_str(), &db), SQLITE_OK);
  Run(db, "UPDATE projects SET name = CAST('by hand' AS BLOB)");
  sqlite3_close(db);
  const absl::Status status = OpenError();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("does not fit its checksum"));

  MakeOlder(0);  // what docs/operations.md tells a person to do who means it

  Open();
  EXPECT_TRUE(store().FindProject("by hand").ok());
}

}  // namespace
}  // namespace grange::store
