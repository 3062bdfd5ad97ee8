#ifndef GRANGE_TESTS_COORDINATOR_STORE_STORE_FIXTURE_H_
#define GRANGE_TESTS_COORDINATOR_STORE_STORE_FIXTURE_H_

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/os/files.h"
#include "coordinator/store/checked_file.h"
#include "coordinator/store/sqlite_store.h"

namespace grange::store {

// A store in a folder of its own, with one project, and short ways to fill it.
class StoreFixture : public ::testing::Test {
 protected:
  struct Submitted {
    PipelineId pipeline;
    std::vector<JobRow> jobs;
    schedule::StoreJob Progress(int index) const {
      return jobs[static_cast<size_t>(index)].progress;
    }
  };

  void SetUp() override {
    dir_ = *os::MakeTempDir("grange-store-test");
    Open();
    project_ = store().FindOrMakeProject("portal", {})->id;
  }
  void TearDown() override {
    Close();
    ASSERT_TRUE(os::RemoveTree(dir_).ok());
  }

  void Open() {
    absl::StatusOr<std::unique_ptr<Store>> store = OpenSqliteStore(db_path(), key_path(), clock_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  void Close() { store_.reset(); }
  absl::Status OpenError() { return OpenSqliteStore(db_path(), key_path(), clock_).status(); }

  // Changes the file behind the store's back, while it is closed; its pages keep good checksums. A
  // new file is somebody else's.
  void Tamper(const char* sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open_v2(db_path().c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                              os::Exists(db_path()) ? CheckedFileVfs() : nullptr),
              SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_close(db);
  }

  PipelineRow APipeline() const {
    PipelineRow pipeline;
    pipeline.project = project_;
    pipeline.commit = {.sha = std::string(40, 'a'),
                       .title = "Title",
                       .message = "Title\n\nBody",
                       .author = "A. U. Thor",
                       .author_email = "thor@example.org",
                       .authored_at = absl::FromUnixSeconds(1'700'000'000)};
    pipeline.ref_name = "main";
    pipeline.source = "push";
    pipeline.state = lifecycle::PipelineState::kRunning;
    pipeline.created_at = clock_.Now();
    return pipeline;
  }
  JobRow AJob(int index, absl::string_view name) const {
    JobRow job;
    job.index = index;
    job.name = std::string(name);
    job.stage = "test";
    job.plan_json = absl::StrCat("{\"name\":\"", name, "\"}");
    job.created_at = clock_.Now();
    return job;
  }
  Submitted Submit(const std::vector<std::string>& names) {
    PipelineRow pipeline = APipeline();
    std::vector<JobRow> jobs;
    for (const std::string& name : names) jobs.push_back(AJob(static_cast<int>(jobs.size()), name));
    std::optional<std::string> earlier;
    EXPECT_TRUE(store().CreatePipeline(pipeline, jobs, "", &earlier).ok());
    return {.pipeline = pipeline.id, .jobs = std::move(jobs)};
  }
  absl::Status CommitRow(Write row) {
    std::vector<Write> writes;
    writes.push_back(std::move(row));
    return store().Commit(writes);
  }
  // The job with attempt `number` running.
  schedule::StoreJob Run(schedule::StoreJob job, AttemptNumber number) {
    job.attempt = number;
    job.phase = schedule::Phase::kRunning;
    job.state = lifecycle::JobState::kRunning;
    job.fence = Fence{static_cast<uint64_t>(number)};
    job.agent = AgentId(1);
    EXPECT_TRUE(CommitRow(job).ok());
    return job;
  }

  Store& store() { return *store_; }
  FakeClock& clock() { return clock_; }
  ProjectId project() const { return project_; }
  const std::string& dir() const { return dir_; }
  std::string db_path() const { return dir_ + "/grange.db"; }
  std::string key_path() const { return dir_ + "/keys/store.key"; }

 private:
  std::string dir_;
  FakeClock clock_{absl::FromUnixSeconds(1'750'000'000)};
  std::unique_ptr<Store> store_;
  ProjectId project_;
};

}  // namespace grange::store

#endif  // GRANGE_TESTS_COORDINATOR_STORE_STORE_FIXTURE_H_
