// C8: bytes of the database that change by themselves are noticed, wherever they are.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/store/database_copy.h"
#include "tests/coordinator/store/all_rows.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kPipelines = 300;
constexpr size_t kPageBytes = 4096;

// By name.
using Files = std::vector<std::pair<std::string, std::string>>;

class DamagedFileTest : public StoreFixture {
 protected:
  // A database with as many rows as a small farm has, and a log with the newest version of many of
  // its pages. It is made once; each test gets a copy, open, as after a kill.
  void SetUp() override {
    StoreFixture::SetUp();
    static const Files* files = nullptr;
    static const AllRows* rows = nullptr;
    if (files == nullptr) {
      Fill();
      rows = new AllRows(ReadAllRows(store(), project(), kPipelines));
      for (const auto& [question, answer] : *rows) ASSERT_TRUE(answer.ok()) << question;
      files = new Files{File("grange.db"), File("grange.db-wal"), File("grange.db-shm"),
                        File("keys/store.key")};
    }
    Close();
    for (const auto& [name, bytes] : *files) {
      ASSERT_TRUE(os::WriteFile(dir() + "/" + name, bytes).ok());
    }
    written_ = *rows;
    Open();
  }

  void Fill() {
    FillStore(store(), project(), kPipelines);
    Close();
    Open();  // with an empty log
    std::vector<Write> writes;
    for (int i = 0; i < kPipelines; ++i) {
      schedule::StorePipeline row;
      row.id = PipelineId(i + 1);
      row.state = lifecycle::PipelineState::kFailed;
      row.failure = absl::StrCat("failure of ", i);
      writes.emplace_back(row);
    }
    ASSERT_TRUE(store().Commit(writes).ok());
    for (uint64_t i = 1; i < 30; ++i) {
      ASSERT_TRUE(CommitRow(schedule::StoreFence{Fence{1000 + i}}).ok());
    }
  }

  // How many of the rows were refused as damaged. All others must be as they were written.
  int CountRefused(Store& store) {
    int refused = 0;
    for (const auto& [question, answer] : ReadAllRows(store, project(), kPipelines)) {
      if (answer.ok()) {
        EXPECT_EQ(*answer, *written_.at(question)) << question;
      } else {
        EXPECT_EQ(answer.status().code(), absl::StatusCode::kDataLoss) << answer.status();
        ++refused;
      }
    }
    return refused;
  }

  // Opens a copy of the files with one byte changed. True: it was refused, with the next step.
  // Otherwise every row that can be read is right.
  bool IsRefused(const Files& files, size_t at, char difference) {
    const std::string copy = dir() + "/copy";
    EXPECT_TRUE(os::MakeDirs(copy).ok());
    for (const auto& [name, bytes] : files) {
      std::string changed = bytes;
      if (at < changed.size()) changed[at] ^= difference;
      at = at < bytes.size() ? std::string::npos : at - bytes.size();
      EXPECT_TRUE(os::WriteFile(copy + "/" + name, changed).ok());
    }
    bool refused = false;
    {
      const absl::StatusOr<std::unique_ptr<Store>> opened =
          OpenSqliteStore(copy + "/grange.db", key_path(), clock());
      if (opened.ok()) {
        EXPECT_EQ(CountRefused(**opened), 0);  // it was looked at as a whole
      } else {
        refused = true;
        EXPECT_EQ(opened.status().code(), absl::StatusCode::kDataLoss) << opened.status();
        EXPECT_THAT(std::string(opened.status().message()), HasSubstr("grangectl backup restore"));
      }
    }
    EXPECT_TRUE(os::RemoveTree(copy).ok());
    return refused;
  }

  std::pair<std::string, std::string> File(const std::string& name) {
    return {name, os::ReadFile(dir() + "/" + name, 1 << 30).value()};
  }

  // The byte at `at`, changed; the file may be open.
  void FlipByte(size_t at, char difference) {
    const os::UniqueFd fd(::open(db_path().c_str(), O_RDWR | O_CLOEXEC));
    char byte = 0;
    ASSERT_EQ(::pread(fd.get(), &byte, 1, static_cast<off_t>(at)), 1);
    byte ^= difference;
    ASSERT_EQ(::pwrite(fd.get(), &byte, 1, static_cast<off_t>(at)), 1);
  }

  AllRows written_;
  std::mt19937 random_{20261125};
};

TEST_F(DamagedFileTest, C8AByteThatFlippedAnywhereInTheDatabaseIsNeverReadAsAValue) {
  Close();
  const std::pair<std::string, std::string> database = File("grange.db");
  int refused = 0;
  for (int i = 0; i < 1000 && !HasFailure(); ++i) {
    const size_t at = random_() % database.second.size();
    SCOPED_TRACE(absl::StrCat("byte ", at));
    refused += IsRefused({database}, at, static_cast<char>(1 + random_() % 255)) ? 1 : 0;
  }
  EXPECT_GT(refused, 900);
}

TEST_F(DamagedFileTest, C8EachByteOfTheHeaderCounts) {
  Close();
  const std::pair<std::string, std::string> database = File("grange.db");
  for (size_t at = 0; at < 100 && !HasFailure(); ++at) {
    SCOPED_TRACE(absl::StrCat("byte ", at));
    EXPECT_TRUE(IsRefused({database}, at, static_cast<char>(1 + random_() % 255)));
  }
}

TEST_F(DamagedFileTest, C8AByteThatFlippedInTheFilesOfAKilledCoordinatorIsNeverReadAsAValue) {
  // The store is open: these are the files that a kill leaves.
  const Files files = {File("grange.db"), File("grange.db-wal"), File("grange.db-shm")};
  ASSERT_GT(files[1].second.size(), 100 * kPageBytes);
  const size_t in_log = files[0].second.size();
  ASSERT_FALSE(IsRefused(files, std::string::npos, 0));
  int refused = 0;
  for (int i = 0; i < 300 && !HasFailure(); ++i) {
    const size_t at = in_log + random_() % files[1].second.size();
    SCOPED_TRACE(absl::StrCat("byte ", at, ", the log begins at ", in_log));
    refused += IsRefused(files, at, static_cast<char>(1 + random_() % 255)) ? 1 : 0;
  }
  EXPECT_GT(refused, 290);
  for (size_t at = in_log; at < in_log + 32 + 24 && !HasFailure(); ++at) {
    SCOPED_TRACE(absl::StrCat("byte ", at, ", the log begins at ", in_log));
    EXPECT_TRUE(IsRefused(files, at, '\x10'));
  }
  const size_t in_memory = in_log + files[1].second.size();
  for (size_t at = in_memory; at < in_memory + 136 && !HasFailure(); ++at) {
    SCOPED_TRACE(absl::StrCat("byte ", at - in_memory, " of the memory's file"));
    EXPECT_FALSE(IsRefused(files, at, '\x10'));  // it is made anew
  }
}

TEST_F(DamagedFileTest, C8ALogThatWasCutOrRemovedIsRefused) {
  const Files files = {File("grange.db"), File("grange.db-wal"), File("grange.db-shm")};
  Files cut = files;
  cut[1].second.resize(cut[1].second.size() / 2);
  EXPECT_TRUE(IsRefused(cut, std::string::npos, 0));
  cut[1].second.clear();
  EXPECT_TRUE(IsRefused(cut, std::string::npos, 0));
  EXPECT_TRUE(IsRefused({files[0], files[2]}, std::string::npos, 0));
}

TEST_F(DamagedFileTest, C8AFileThatWasCutIsRefused) {
  Close();
  std::pair<std::string, std::string> database = File("grange.db");
  database.second.resize(database.second.size() - 3 * kPageBytes);
  EXPECT_TRUE(IsRefused({database}, std::string::npos, 0));
}

TEST_F(DamagedFileTest, C8APageThatWasWrittenToThePlaceOfAnotherIsRefused) {
  Close();
  std::pair<std::string, std::string> database = File("grange.db");
  const size_t last = database.second.size() - kPageBytes;
  database.second.replace(last, kPageBytes, database.second.substr(last - kPageBytes, kPageBytes));
  EXPECT_TRUE(IsRefused({database}, std::string::npos, 0));
}

TEST_F(DamagedFileTest, C8TheDamagedPageIsNamed) {
  Close();
  FlipByte(16 * kPageBytes + 2000, '\x01');
  const absl::Status status = OpenError();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(db_path()), HasSubstr("page 17 does not fit its checksum"),
                    HasSubstr("stop the coordinator and bring back a copy with "
                              "'grangectl backup restore'")));
}

TEST_F(DamagedFileTest, C8AByteThatFlipsWhileTheStoreRunsIsSaidToWhoReadsIt) {
  Close();
  Open();
  const size_t size = File("grange.db").second.size();
  int refused = 0;
  for (int i = 0; i < 60 && !HasFailure(); ++i) {
    const size_t at = random_() % size;
    const char difference = static_cast<char>(1 + random_() % 255);
    SCOPED_TRACE(absl::StrCat("byte ", at));
    FlipByte(at, difference);
    refused += CountRefused(store()) > 0 ? 1 : 0;
    const absl::Status put = store().PutAnswer(absl::StrCat("key ", i), "answer");
    EXPECT_TRUE(put.ok() || absl::IsDataLoss(put)) << put;
    FlipByte(at, difference);
  }
  EXPECT_GT(refused, 20);
  EXPECT_EQ(CountRefused(store()), 0);  // nothing of it has stayed
  EXPECT_TRUE(store().PutAnswer("later", "yes").ok());
}

TEST_F(DamagedFileTest, C8AByteThatFlipsInTheLogWhileTheStoreRunsIsSaidToWhoReadsIt) {
  const std::string log = dir() + "/grange.db-wal";
  const std::string good = os::ReadFile(log, 1 << 30).value();
  int refused = 0;
  for (int i = 0; i < 60 && !HasFailure(); ++i) {
    const off_t at = static_cast<off_t>(random_() % good.size());
    SCOPED_TRACE(absl::StrCat("byte ", at));
    const os::UniqueFd fd(::open(log.c_str(), O_RDWR | O_CLOEXEC));
    const char bad = static_cast<char>(good[static_cast<size_t>(at)] ^ 0x21);
    ASSERT_EQ(::pwrite(fd.get(), &bad, 1, at), 1);
    // Readers look at the log again.
    ASSERT_TRUE(store().PutAnswer(absl::StrCat("key ", i), "answer").ok());
    refused += CountRefused(store()) > 0 ? 1 : 0;
    ASSERT_EQ(::pwrite(fd.get(), &good[static_cast<size_t>(at)], 1, at), 1);
  }
  EXPECT_GT(refused, 20);
  EXPECT_EQ(CountRefused(store()), 0);
}

TEST_F(DamagedFileTest, C8ALogThatIsCutWhileTheStoreRunsIsSaidToWhoReadsIt) {
  ASSERT_EQ(::truncate((dir() + "/grange.db-wal").c_str(), 20 * kPageBytes), 0);
  EXPECT_GT(CountRefused(store()), 0);
}

TEST_F(DamagedFileTest, C8ACopyHasChecksumsAndIsNotMadeOfADamagedPage) {
  const std::string copy = dir() + "/copy.db";
  ASSERT_TRUE(CopyDatabase(db_path(), copy).ok());
  ASSERT_TRUE(CheckDatabase(copy).ok());
  std::string bytes = os::ReadFile(copy, 1 << 30).value();
  ASSERT_GT(bytes.size(), 3u << 19);  // more than SQLite's cache: it writes pages before the first
  bytes[bytes.size() - 100] ^= 1;
  ASSERT_TRUE(os::WriteFile(copy, bytes).ok());
  EXPECT_EQ(CheckDatabase(copy).status().code(), absl::StatusCode::kDataLoss);

  Close();
  Open();  // so that all is in the file
  FlipByte(File("grange.db").second.size() - 100, '\x01');
  EXPECT_EQ(CopyDatabase(db_path(), dir() + "/second.db").code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(os::Exists(dir() + "/second.db"));
}

}  // namespace
}  // namespace grange::store
