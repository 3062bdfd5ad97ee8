// What checksums of pages cost: the same work on a file with and without them, in turn.
//   build/release/test/checked_file_bench [ROUNDS]
#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/os/files.h"
#include "coordinator/store/checked_file.h"
#include "coordinator/store/sqlite_store.h"

namespace grange::store {
namespace {

constexpr int kCommits = 2000;
constexpr int kRows = 10'000;  // of about the size of a job and its plan

class Work {
 public:
  Work(const std::string& path, const char* vfs) {
    GRANGE_CHECK(sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                 vfs) == SQLITE_OK);
    int reserve = kCheckedReserve;
    if (vfs != nullptr) sqlite3_file_control(db_, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
    Run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -1024;"
        "CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT, plan BLOB);");
    Run(absl::StrCat("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ",
                     kRows, ") INSERT INTO jobs SELECT i, 'pending', randomblob(700) FROM n;",
                     "PRAGMA wal_checkpoint(TRUNCATE);"));
  }
  ~Work() { sqlite3_close(db_); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  // Changes one row after the other; the log goes into the file after each 1,000 pages.
  absl::Duration Commit() {
    const absl::Time start = absl::Now();
    for (int i = 0; i < kCommits; ++i) {
      Run(absl::StrCat("UPDATE jobs SET state = 'run ", i, "' WHERE id = ",
                       1 + i * 7919 % kRows));
    }
    return absl::Now() - start;
  }
  absl::Duration ReadAll() {
    const absl::Time start = absl::Now();
    Run("SELECT sum(length(state)) + sum(length(plan)) FROM jobs");
    return absl::Now() - start;
  }
  void EmptyLog() { Run("PRAGMA wal_checkpoint(TRUNCATE)"); }

 private:
  void Run(const std::string& sql) {
    GRANGE_CHECK(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  sqlite3* db_ = nullptr;
};

// The jobs of one pipeline as the coordinator reads them.
void MeasureStore(const std::string& dir, int rounds) {
  const FakeClock clock(absl::FromUnixSeconds(1'750'000'000));
  std::unique_ptr<Store> store = *OpenSqliteStore(dir + "/grange.db", dir + "/store.key", clock);
  PipelineRow pipeline;
  pipeline.project = store->FindOrMakeProject("portal", {})->id;
  std::vector<JobRow> jobs(kRows);
  for (int i = 0; i < kRows; ++i) {
    jobs[static_cast<size_t>(i)].index = i;
    jobs[static_cast<size_t>(i)].name = absl::StrCat("job ", i);
    jobs[static_cast<size_t>(i)].plan_json = std::string(700, 'x');
  }
  GRANGE_CHECK(store->CreatePipeline(pipeline, jobs, "", nullptr, {}).ok());
  store.reset();
  store = *OpenSqliteStore(dir + "/grange.db", dir + "/store.key", clock);
  absl::Duration best = absl::InfiniteDuration();
  for (int i = 0; i < 5 * rounds; ++i) {
    const absl::Time start = absl::Now();
    GRANGE_CHECK(store->JobsOf(pipeline.id)->size() == kRows);
    best = std::min(best, absl::Now() - start);
  }
  std::printf("%d jobs read by the store: %.2f ms\n", kRows, absl::ToDoubleMilliseconds(best));
}

void Measure(int rounds) {
  const std::string dir = *os::MakeTempDir("grange-checked-file-bench");
  {
    Work works[2] = {{dir + "/plain.db", nullptr}, {dir + "/checked.db", CheckedFileVfs()}};
    absl::Duration commits[2], from_log[2], from_file[2];
    for (int which : {0, 1}) {
      commits[which] = from_log[which] = from_file[which] = absl::InfiniteDuration();
    }
    for (int round = 0; round < rounds; ++round) {
      for (int which : {0, 1}) {
        Work& work = works[which];
        commits[which] = std::min(commits[which], work.Commit());
        from_log[which] = std::min(from_log[which], work.ReadAll());
        work.EmptyLog();
        for (int i = 0; i < 10; ++i) from_file[which] = std::min(from_file[which], work.ReadAll());
      }
    }
    const auto print = [](const char* what, const absl::Duration (&times)[2], double count) {
      std::printf("%-28s plain %9.0f/s  with checksums %9.0f/s  (%+.1f %% of the time)\n", what,
                  count / absl::ToDoubleSeconds(times[0]), count / absl::ToDoubleSeconds(times[1]),
                  100 * (absl::FDivDuration(times[1], times[0]) - 1));
    };
    print("commits", commits, kCommits);
    print("rows read, some from the log", from_log, kRows);
    print("rows read from the file", from_file, kRows);
  }
  MeasureStore(dir, rounds);
  GRANGE_CHECK(os::RemoveTree(dir).ok());
}

}  // namespace
}  // namespace grange::store

int main(int argc, char** argv) {
  grange::store::Measure(argc > 1 ? std::atoi(argv[1]) : 5);
  return 0;
}
