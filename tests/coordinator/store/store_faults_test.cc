#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/os/child.h"
#include "common/os/real_clock.h"
#include "coordinator/store/schema.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class StoreFaultsTest : public StoreFixture {
 protected:
  std::string OpenErrorText() { return std::string(OpenError().message()); }
};

TEST_F(StoreFaultsTest, C9ANewerSchemaIsRefusedNamingBothVersionsAndLeftAsItIs) {
  Close();
  Tamper("UPDATE schema SET version = 77");
  const absl::Status status = OpenError();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("version 77"), HasSubstr(absl::StrCat("up to ", SchemaVersion())), HasSubstr("backup")));
  Tamper(absl::StrCat("UPDATE schema SET version = ", SchemaVersion()).c_str());
  Open();
  EXPECT_TRUE(store().FindProject("portal").ok());
}

// The step of what attempts have used and of agents' alarms taken back.
constexpr char kUndoUseAndAlarm[] =
    "ALTER TABLE attempts DROP COLUMN cpu_ms; ALTER TABLE attempts DROP COLUMN max_rss_bytes;"
    "ALTER TABLE agents DROP COLUMN alarm; ALTER TABLE agents DROP COLUMN alarm_since;"
    "ALTER TABLE agents DROP COLUMN alarm_from;";

// The steps of retention and of what came after it taken back.
constexpr char kUndoRetention[] =
    "ALTER TABLE tokens DROP COLUMN from_ranges; ALTER TABLE agents DROP COLUMN drain_until;"
    "DROP TRIGGER pipelines_made; DROP TRIGGER pipelines_removed; DROP TRIGGER traces_stored;"
    "DROP TRIGGER traces_gone; DROP TRIGGER artifacts_made; DROP TRIGGER artifacts_marked;"
    "DROP TRIGGER artifacts_gone; DROP TRIGGER audit_made; DROP TRIGGER audit_removed;"
    "DROP TABLE usage; DROP TABLE removed_pipelines; DROP INDEX pipelines_of_ref;"
    "DROP INDEX attempts_with_trace; DROP INDEX artifacts_of_content;"
    "ALTER TABLE pipelines DROP COLUMN pinned; ALTER TABLE pipelines DROP COLUMN row_bytes;"
    "ALTER TABLE job_plans DROP COLUMN expire_in; ALTER TABLE attempts DROP COLUMN trace_stored;"
    "ALTER TABLE attempts DROP COLUMN trace_removed_at;"
    "ALTER TABLE attempts DROP COLUMN trace_removed_by;"
    "ALTER TABLE artifacts DROP COLUMN expires_at; ALTER TABLE artifacts DROP COLUMN removed_at;"
    "ALTER TABLE artifacts DROP COLUMN removed_by; UPDATE schema SET version = 3;";

TEST_F(StoreFaultsTest, C9ASchemaWithoutRetentionIsBroughtUpToDateWithSizesAndExpiry) {
  PipelineRow pipeline = APipeline();
  std::vector<JobRow> jobs = {AJob(0, "day"), AJob(1, "never"), AJob(2, "plain"), AJob(3, "odd")};
  jobs[0].plan_json = R"({"artifacts":{"expire_in":86400.5}})";
  jobs[1].plan_json = R"({"artifacts":{"expire_in":"never"}})";
  jobs[2].plan_json = R"({"artifacts":{"expire_in":null}})";
  jobs[3].plan_json = "no JSON";
  std::optional<std::string> earlier;
  ASSERT_TRUE(store().CreatePipeline(pipeline, jobs, "", &earlier).ok());
  schedule::StoreJob job = Run(jobs[0].progress, 1);
  PutTraceEnd end;
  end.job = job.id;
  end.attempt = 1;
  end.trace_bytes = 70;
  ASSERT_TRUE(CommitRow(end).ok());
  for (const JobRow& row : jobs) {
    ASSERT_TRUE(store()
                    .PutArtifact({.id = row.name,
                                  .job = row.id,
                                  .attempt = 1,
                                  .name = row.name,
                                  .size = 10,
                                  .sha256 = "one content",
                                  .created_at = clock().Now()})
                    .ok());
  }
  ASSERT_TRUE(store().PutAudit({.user = "ada", .token = {}, .peer = "", .call = "t"}, "x").ok());
  const std::vector<UsageRow> before = *store().ReadUsage();
  Close();
  Tamper(kUndoRetention);
  for (const JobRow& row : jobs) {  // such a program didn't seal its plans
    Tamper(absl::StrCat("UPDATE job_plans SET plan = CAST('", row.plan_json,
                        "' AS BLOB) WHERE job = ", row.id.value())
               .c_str());
  }
  Open();
  EXPECT_EQ(store().GetArtifact("day")->expires_at,
            clock().Now() + absl::Hours(24) + absl::Milliseconds(500));
  EXPECT_EQ(store().GetArtifact("never")->expires_at, absl::InfiniteFuture());
  EXPECT_EQ(store().GetArtifact("plain")->expires_at, std::nullopt);
  EXPECT_EQ(store().GetArtifact("odd")->expires_at, std::nullopt);
  const std::vector<UsageRow> after = *store().ReadUsage();
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].kind, before[i].kind);
    EXPECT_EQ(after[i].count, before[i].count) << after[i].kind;
    EXPECT_GT(after[i].bytes, 0u) << after[i].kind;
    if (after[i].kind == "pipelines") continue;  // of the older rows it is a guess
    EXPECT_EQ(after[i].bytes, before[i].bytes) << after[i].kind;
  }
}

TEST_F(StoreFaultsTest, C9AnOlderSchemaIsBroughtUpToDateWithItsRows) {
  Close();
  Tamper(kUndoRetention);
  Tamper(absl::StrCat(kUndoUseAndAlarm, "DROP TABLE audit; UPDATE schema SET version = 1").c_str());
  Open();
  EXPECT_TRUE(store().FindProject("portal").ok());
  ASSERT_TRUE(store().PutAudit({.user = "ada", .token = {}, .peer = "", .call = "test"}, "x").ok());
  EXPECT_THAT(store().ListAudit(10, 0, "").value(), SizeIs(1));
}

TEST_F(StoreFaultsTest, AForeignDatabaseIsRefused) {
  Close();
  ASSERT_TRUE(os::RemoveTree(db_path()).ok());
  Tamper("CREATE TABLE somebody_elses (x)");
  EXPECT_EQ(OpenError().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(OpenErrorText(), HasSubstr("not one of Grange"));
}

TEST_F(StoreFaultsTest, C8ADamagedDatabaseIsRefusedWithTheNextStep) {
  for (int i = 0; i < 50; ++i) Submit({"some", "jobs"});
  Close();
  std::string bytes = *os::ReadFile(db_path());
  for (size_t at = 4096; at < bytes.size(); at += 4096)
    bytes.replace(at, 64, std::string(64, '\x5a'));
  ASSERT_TRUE(os::WriteFile(db_path(), bytes).ok());
  const absl::Status status = OpenError();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("grangectl backup restore"));
}

TEST_F(StoreFaultsTest, AFileThatIsNoDatabaseIsRefused) {
  Close();
  ASSERT_TRUE(os::WriteFile(db_path(), std::string(8192, 'x')).ok());
  EXPECT_EQ(OpenError().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StoreFaultsTest, C10ASecondCoordinatorOnOneDatabaseIsRefused) {
  EXPECT_EQ(OpenError().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(StoreFaultsTest, AMissingKeyFileIsRefused) {
  Close();
  ASSERT_TRUE(os::RemoveTree(key_path()).ok());
  EXPECT_EQ(OpenError().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(OpenErrorText(), AllOf(HasSubstr(key_path()), HasSubstr("missing")));
}

TEST_F(StoreFaultsTest, AWrongKeyFileIsRefused) {
  Close();
  ASSERT_TRUE(os::WriteFile(key_path(), std::string(32, 'k')).ok());
  EXPECT_THAT(OpenErrorText(), HasSubstr("not the one of this database"));
}

TEST_F(StoreFaultsTest, AKeyFileThatOthersCanReadIsRefused) {
  Close();
  ASSERT_EQ(chmod(key_path().c_str(), 0644), 0);
  EXPECT_THAT(OpenErrorText(), HasSubstr("chmod 600"));
}

TEST_F(StoreFaultsTest, TheFilesAreForTheirOwnerOnly) {
  for (const std::string& path : {db_path(), key_path()}) {
    struct stat info {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << path;
  }
}

TEST_F(StoreFaultsTest, C4AFullDiskIsSaidAndTheStoreWorksAgainWithSpace) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 256 << 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  ASSERT_TRUE(store().PutAnswer("acknowledged", "yes").ok());

  absl::Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    status = store().PutAnswer(absl::StrCat("k", i), std::string(10'000, 'x'));
  }

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("the disk is full"));
  EXPECT_EQ(*store().FindAnswer("acknowledged"), "yes");  // reading goes on
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(store().PutAnswer("later", "yes").ok());
  EXPECT_EQ(*store().FindAnswer("k0"), std::string(10'000, 'x'));
}

TEST_F(StoreFaultsTest, ATransactionThatFailsChangesNothing) {
  const Submitted made = Submit({"test"});
  PipelineRow pipeline = APipeline();
  std::vector<JobRow> jobs = {AJob(0, "a"), AJob(0, "the same place in the file")};
  std::optional<std::string> earlier;
  EXPECT_TRUE(absl::IsAlreadyExists(store().CreatePipeline(pipeline, jobs, "key", &earlier)));
  EXPECT_EQ(store().ListPipelines({}, 10, {})->size(), 1u);
  EXPECT_EQ(*store().FindAnswer("key"), std::nullopt);
}

// C1: a process that commits and says so, killed at a random moment, again and again.
constexpr char kCrashDir[] = "GRANGE_STORE_CRASH_DIR";
constexpr int kSayFd = 3;

TEST(StoreCrashTest, DISABLED_CommitsUntilItIsKilled) {
  const std::string dir = getenv(kCrashDir);
  const os::RealClock clock;
  auto store = OpenSqliteStore(dir + "/grange.db", dir + "/store.key", clock);
  ASSERT_TRUE(store.ok()) << store.status();
  uint64_t number = FenceValue(*(*store)->HighestFence());
  while (true) {
    ++number;
    std::vector<Write> writes;
    writes.emplace_back(schedule::StoreFence{Fence{number}});
    schedule::StorePipeline pipeline;
    pipeline.id = PipelineId(1);
    pipeline.failure = absl::StrCat(number, std::string(3000, '.'));
    writes.emplace_back(pipeline);
    ASSERT_TRUE((*store)->Commit(writes).ok());
    ASSERT_TRUE(os::WriteAll(kSayFd, absl::StrCat(number, "\n")).ok());
  }
}

// Starts the writer, kills it after `kill_after` commits, and returns the last one it told of.
uint64_t RunWriterAndKillIt(const std::string& dir, int kill_after) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const os::UniqueFd heard(ends[0]);
  os::UniqueFd say(ends[1]);
  os::ChildOptions options;
  options.argv = {"/proc/self/exe", "--gtest_also_run_disabled_tests",
                  "--gtest_filter=StoreCrashTest.DISABLED_CommitsUntilItIsKilled"};
  options.env = os::CurrentEnvironment();
  options.env->push_back(absl::StrCat(kCrashDir, "=", dir));
  options.inherit = {{say.get(), kSayFd}};
  absl::StatusOr<os::Child> child = os::Child::Start(options);
  EXPECT_TRUE(child.ok()) << child.status();
  say.Reset();
  uint64_t last = 0;
  int count = 0;
  std::string line;
  char c = 0;
  while (read(heard.get(), &c, 1) == 1) {
    if (c != '\n') {
      line += c;
      continue;
    }
    EXPECT_TRUE(absl::SimpleAtoi(line, &last)) << line;
    line.clear();
    if (++count == kill_after) child->Kill(SIGKILL);
  }
  child->Wait();
  return last;
}

TEST_F(StoreFaultsTest, C1EveryAcknowledgedCommitSurvivesAKill) {
  const std::string crash_dir = dir() + "/crash";
  ASSERT_TRUE(os::MakeDirs(crash_dir).ok());
  const os::RealClock real_clock;
  const auto open = [&] {
    return OpenSqliteStore(crash_dir + "/grange.db", crash_dir + "/store.key", real_clock);
  };
  {
    auto made = open();
    ASSERT_TRUE(made.ok()) << made.status();
    PipelineRow pipeline = APipeline();
    pipeline.project = (*made)->FindOrMakeProject("p", {})->id;
    std::vector<JobRow> none;
    std::optional<std::string> earlier;
    ASSERT_TRUE((*made)->CreatePipeline(pipeline, none, "", &earlier).ok());
    ASSERT_EQ(pipeline.id, PipelineId(1));
  }
  std::mt19937 random(20260722);
  for (int round = 0; round < 20; ++round) {
    const int kill_after = 1 + static_cast<int>(random() % 120);
    SCOPED_TRACE(absl::StrCat("round ", round, ", killed after ", kill_after, " commits"));
    const uint64_t acknowledged = RunWriterAndKillIt(crash_dir, kill_after);
    ASSERT_GT(acknowledged, 0u);

    auto reopened = open();
    ASSERT_TRUE(reopened.ok()) << reopened.status();
    const uint64_t stored = FenceValue(*(*reopened)->HighestFence());
    EXPECT_GE(stored, acknowledged);
    EXPECT_LE(stored, acknowledged + 1);  // the one that it could not tell of
    const std::string failure = (*reopened)->GetPipeline(PipelineId(1))->failure;
    EXPECT_EQ(failure, absl::StrCat(stored, std::string(3000, '.')));  // all of it or nothing
  }
}

}  // namespace
}  // namespace grange::store
