#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/match.h"
#include "common/os/deadline.h"
#include "common/os/real_clock.h"
#include "coordinator/backup/backup_keeper.h"
#include "coordinator/backup/create_backup.h"
#include "coordinator/backup/restore_backup.h"
#include "coordinator/backup/verify_backup.h"
#include "coordinator/store/database_copy.h"
#include "coordinator/store/schema.h"
#include "gmock/gmock.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::backup {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A state directory with a database in use, a log, an artifact and a mirror.
class BackupTest : public store::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    Put("traces/0/1-1.trace", "hello\n");
    Put("traces/0/1-1.trace.marks", "0 1000 t\n");
    Put("artifacts/ab/cdef", "content");
    Put("artifacts/incoming/half", "half");
    Put("mirrors/1.git/HEAD", "ref: refs/heads/main\n");
    Put("mirrors/1.git/objects/pack/tmp_pack_x", "unfinished");
    Put("mirrors/1.git/objects/ab/cd", "object");
    Put("keys/ca.pem", "certificate");
    Put("grangectl.yml", "address: here\n");
  }

  void Put(const std::string& path, const std::string& text) {
    const std::string full = absl::StrCat(dir(), "/", path);
    ASSERT_TRUE(os::MakeDirs(full.substr(0, full.rfind('/'))).ok());
    ASSERT_TRUE(os::WriteFile(full, text).ok());
  }
  std::string Get(const std::string& path) {
    return os::ReadFile(absl::StrCat(dir(), "/", path)).value_or("(missing)");
  }
  std::string Folder(const std::string& name = "b1") const {
    return absl::StrCat(dir(), "/backups/", name);
  }
  absl::StatusOr<Manifest> Create(bool whole = true, const std::string& name = "b1") {
    return CreateBackup(
        {.state = dir(), .folder = Folder(name), .whole = whole, .now = clock().Now()});
  }
  std::vector<std::string> Problems() {
    const absl::StatusOr<Verified> verified = VerifyBackup(Folder());
    EXPECT_TRUE(verified.ok()) << verified.status();
    return verified.ok() ? verified->problems : std::vector<std::string>{"not verified"};
  }
  static std::vector<std::string> Paths(const Manifest& manifest) {
    std::vector<std::string> paths;
    for (const BackupFile& file : manifest.files) paths.push_back(file.path);
    return paths;
  }
};

TEST_F(BackupTest, HasWhatBelongsToTheStateAndNothingUnfinished) {
  const absl::StatusOr<Manifest> manifest = Create();
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_THAT(Paths(*manifest),
              ElementsAre("grange.db", "keys/ca.pem", "keys/store.key", "traces/0/1-1.trace",
                          "traces/0/1-1.trace.marks", "artifacts/ab/cdef", "mirrors/1.git/HEAD", "mirrors/1.git/objects/ab/cd",
                          "grangectl.yml"));
  EXPECT_EQ(manifest->schema, store::SchemaVersion());
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(BackupTest, HasRefsWhoseNamesLookTemporary) {
  Put("mirrors/1.git/refs/grange/heads/tmp_x", "0123\n");
  Put("mirrors/1.git/refs/grange/heads/x.tmp", "0123\n");
  Put("mirrors/1.git/refs/grange/heads/main.lock", "");
  const absl::StatusOr<Manifest> manifest = Create();
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_THAT(Paths(*manifest), Contains("mirrors/1.git/refs/grange/heads/tmp_x"));
  EXPECT_THAT(Paths(*manifest), Contains("mirrors/1.git/refs/grange/heads/x.tmp"));
  EXPECT_THAT(Paths(*manifest), Not(Contains(HasSubstr("main.lock"))));
}

TEST_F(BackupTest, OfTheDatabaseAloneHasTheKeysToo) {
  const absl::StatusOr<Manifest> manifest = Create(/*whole=*/false);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_THAT(Paths(*manifest), ElementsAre("grange.db", "keys/ca.pem", "keys/store.key"));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(BackupTest, HasWhatWasCommittedBeforeAndIsNotDisturbedByWhatComesAfter) {
  ASSERT_TRUE(store().FindOrMakeProject("before", {}).ok());
  ASSERT_TRUE(Create().ok());
  ASSERT_TRUE(store().FindOrMakeProject("after", {}).ok());
  EXPECT_THAT(Problems(), IsEmpty());
  Close();
  ASSERT_TRUE(RestoreBackup(Folder(), dir(), clock().Now()).ok());
  Open();
  EXPECT_TRUE(store().FindProject("before").ok());
  EXPECT_FALSE(store().FindProject("after").ok());
}

TEST_F(BackupTest, AnErrorLeavesNothing) {
  const absl::StatusOr<Manifest> manifest =
      CreateBackup({.state = dir() + "/none", .folder = Folder(), .whole = true, .now = {}});
  EXPECT_FALSE(manifest.ok());
  EXPECT_FALSE(os::Exists(Folder()));
  EXPECT_FALSE(os::Exists(Folder() + ".part"));
}

TEST_F(BackupTest, IsNeverWrittenOverAnother) {
  ASSERT_TRUE(Create().ok());
  EXPECT_EQ(Create().status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(BackupTest, SaysWhichLogIsMissing) {
  const Submitted made = Submit({"a", "b"});
  for (int i = 0; i < 2; ++i) {
    Run(made.Progress(i), 1);
    ASSERT_TRUE(
        CommitRow(store::PutTraceLength{.job = made.jobs[i].id, .attempt = 1, .durable = 6}).ok());
  }
  ASSERT_TRUE(Create().ok());
  EXPECT_THAT(Problems(), ElementsAre("the log of job#2, attempt 1, is missing"));
}

TEST_F(BackupTest, C8_NamesTheFileOfEachOfAThousandFlippedBits) {
  const absl::StatusOr<Manifest> manifest = Create();
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  std::mt19937_64 random(8);
  for (int i = 0; i < 1000; ++i) {
    const BackupFile& file = manifest->files[random() % manifest->files.size()];
    const std::string path = absl::StrCat("backups/b1/", file.path);
    const std::string before = Get(path);
    std::string damaged = before;
    damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
    Put(path, damaged);
    ASSERT_THAT(Problems(), Contains(HasSubstr(file.path))) << i;
    Put(path, before);
  }
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(BackupTest, SaysWhatIsShorterAndWhatIsGone) {
  ASSERT_TRUE(Create().ok());
  Put("backups/b1/traces/0/1-1.trace", "hell");
  ASSERT_TRUE(os::RemoveTree(Folder() + "/artifacts").ok());
  EXPECT_THAT(Problems(), ElementsAre("'traces/0/1-1.trace' has 4 bytes instead of 6",
                                      HasSubstr("artifacts/ab/cdef")));
}

TEST_F(BackupTest, AFolderWithoutItsLastFileIsNone) {
  ASSERT_TRUE(Create().ok());
  ASSERT_TRUE(os::RemoveTree(Folder() + "/MANIFEST.json").ok());
  EXPECT_THAT(std::string(VerifyBackup(Folder()).status().message()), HasSubstr("is no backup"));
}

TEST_F(BackupTest, AManifestThatLeavesItsFolderIsRefused) {
  ASSERT_TRUE(Create().ok());
  std::string text = Get("backups/b1/MANIFEST.json");
  text.replace(text.find("keys/ca.pem"), 11, "../../ca.pe");
  Put("backups/b1/MANIFEST.json", text);
  EXPECT_EQ(VerifyBackup(Folder()).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(BackupTest, RestoreSetsAsideWhatWasThere) {
  ASSERT_TRUE(Create().ok());
  Close();
  Put("traces/0/2-1.trace", "later\n");
  const absl::StatusOr<Restored> restored = RestoreBackup(Folder(), dir(), clock().Now());
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(Get("traces/0/1-1.trace"), "hello\n");
  EXPECT_EQ(Get("traces/0/1-1.trace.marks"), "0 1000 t\n");
  EXPECT_FALSE(os::Exists(dir() + "/traces/0/2-1.trace"));
  EXPECT_EQ(os::ReadFile(restored->set_aside + "/traces/0/2-1.trace").value_or(""), "later\n");
  EXPECT_TRUE(os::Exists(restored->set_aside + "/grange.db"));
  EXPECT_FALSE(os::Exists(dir() + "/restoring"));
  EXPECT_TRUE(CheckNoRestoreWasCut(dir()).ok());
}

TEST_F(BackupTest, RestoreOfTheDatabaseAloneLeavesTheLogs) {
  ASSERT_TRUE(Create(/*whole=*/false).ok());
  Close();
  Put("traces/0/2-1.trace", "later\n");
  ASSERT_TRUE(RestoreBackup(Folder(), dir(), clock().Now()).ok());
  EXPECT_EQ(Get("traces/0/2-1.trace"), "later\n");
}

TEST_F(BackupTest, RestoreMakesAnEmptyDirectoryAState) {
  ASSERT_TRUE(Create().ok());
  const std::string other = dir() + "/other";
  const absl::StatusOr<Restored> restored = RestoreBackup(Folder(), other, clock().Now());
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->set_aside, "");
  EXPECT_TRUE(store::OpenSqliteStore(other + "/grange.db", other + "/keys/store.key", clock()).ok());
}

TEST_F(BackupTest, AfterARestoreNoFenceIsGivenTwice) {
  ASSERT_TRUE(Create().ok());
  Close();
  ASSERT_TRUE(RestoreBackup(Folder(), dir(), clock().Now()).ok());
  Open();
  EXPECT_GE(FenceValue(*store().HighestFence()), uint64_t{1} << 32);
}

TEST_F(BackupTest, ADamagedBackupChangesNothing) {
  ASSERT_TRUE(Create().ok());
  Close();
  Put("backups/b1/keys/ca.pem", "CERTIFICATE");
  Put("keys/ca.pem", "newer");
  const absl::StatusOr<Restored> restored = RestoreBackup(Folder(), dir(), clock().Now());
  EXPECT_EQ(restored.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(restored.status().message()), HasSubstr("'keys/ca.pem' is damaged"));
  EXPECT_EQ(Get("keys/ca.pem"), "newer");
}

TEST_F(BackupTest, ARunningCoordinatorIsLeftAlone) {
  ASSERT_TRUE(Create().ok());
  const absl::StatusOr<os::LockFile> lock = os::LockFile::Acquire(dir() + "/lock");
  ASSERT_TRUE(lock.ok());
  EXPECT_THAT(std::string(RestoreBackup(Folder(), dir(), clock().Now()).status().message()),
              HasSubstr("stop the coordinator first"));
}

TEST_F(BackupTest, ARestoreThatWasCutIsDoneOnceMore) {
  ASSERT_TRUE(Create().ok());
  Close();
  // As a crash in the middle of the moves leaves it.
  Put("restore-in-progress", Folder() + "\n");
  Put("restoring/keys/ca.pem", "certificate");
  ASSERT_TRUE(os::RemoveTree(dir() + "/keys").ok());
  ASSERT_TRUE(os::RemoveTree(dir() + "/grange.db").ok());
  EXPECT_THAT(std::string(CheckNoRestoreWasCut(dir()).message()),
              HasSubstr(absl::StrCat("grangectl backup restore ", Folder(), " --state ", dir())));

  ASSERT_TRUE(RestoreBackup(Folder(), dir(), clock().Now()).ok());

  EXPECT_TRUE(CheckNoRestoreWasCut(dir()).ok());
  EXPECT_EQ(Get("keys/ca.pem"), "certificate");
  EXPECT_EQ(Get("traces/0/1-1.trace"), "hello\n");
}

TEST_F(BackupTest, TheKeeperMakesOneNowAndThenAndRemovesTheOldestOfItsOwn) {
  const os::RealClock clock;
  const std::string folder = dir() + "/backups";
  BackupKeeper keeper({.state = dir(), .folder = folder, .every = absl::Seconds(1), .kept = 1},
                      clock);
  ASSERT_TRUE(keeper.Create("mine", /*whole=*/true, {}).ok());
  std::set<std::string> seen;
  const os::Deadline deadline(absl::Seconds(60));
  while (seen.size() < 3 && !deadline.IsOver()) {
    const std::vector<std::string> names = os::ListDir(folder).value_or(std::vector<std::string>());
    for (const std::string& name : names) {
      if (name != "mine" && !absl::EndsWith(name, ".part")) seen.insert(name);
    }
  }
  EXPECT_EQ(seen.size(), 3u);
  EXPECT_TRUE(os::Exists(folder + "/mine"));
  EXPECT_FALSE(os::Exists(folder + "/" + *seen.begin()));
  EXPECT_EQ(NewestBackup(folder)->folder, folder + "/" + *seen.rbegin());
}

}  // namespace
}  // namespace grange::backup
