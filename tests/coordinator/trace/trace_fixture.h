#ifndef GRANGE_TESTS_COORDINATOR_TRACE_TRACE_FIXTURE_H_
#define GRANGE_TESTS_COORDINATOR_TRACE_TRACE_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "common/os/files.h"
#include "common/os/real_clock.h"
#include "common/os/sha256.h"
#include "coordinator/store/sqlite_store.h"
#include "coordinator/trace/trace_store.h"

namespace grange::trace {

// What a stream was told, and a way to wait for it.
class RecordingSender final : public TraceStore::Sender {
 public:
  void Ack(const Assignment&, uint64_t durable) override {
    base::MutexLock lock(mu_);
    acked_ = durable;
    changed_.SignalAll();
  }
  void Resume(const Assignment&, uint64_t offset) override {
    base::MutexLock lock(mu_);
    resumes_.push_back(offset);
    changed_.SignalAll();
  }
  void Failed(const Assignment&, const absl::Status& status) override {
    base::MutexLock lock(mu_);
    failures_.push_back(status);
    changed_.SignalAll();
  }
  void Drained() override {
    base::MutexLock lock(mu_);
    ++drained_;
    changed_.SignalAll();
  }

  bool WaitForAck(uint64_t durable) {
    return WaitFor([this, durable] { return acked_ >= durable; });
  }
  bool WaitForResumes(size_t count) {
    return WaitFor([this, count] { return resumes_.size() >= count; });
  }
  bool WaitForFailure() {
    return WaitFor([this] { return !failures_.empty(); });
  }
  bool WaitForDrained() {
    return WaitFor([this] { return drained_ > 0; });
  }
  uint64_t acked() {
    return Locked<uint64_t>([this] { return acked_; });
  }
  std::vector<uint64_t> resumes() {
    return Locked<std::vector<uint64_t>>([this] { return resumes_; });
  }
  std::vector<absl::Status> failures() {
    return Locked<std::vector<absl::Status>>([this] { return failures_; });
  }

 private:
  bool WaitFor(const std::function<bool()>& done) {
    base::MutexLock lock(mu_);
    while (!done()) {
      if (changed_.WaitWithTimeout(mu_, absl::Seconds(30))) return done();
    }
    return true;
  }
  template <typename T>
  T Locked(const std::function<T()>& read) {
    base::MutexLock lock(mu_);
    return read();
  }

  base::Mutex mu_;
  base::CondVar changed_;
  uint64_t acked_ = 0;
  int drained_ = 0;
  std::vector<uint64_t> resumes_;
  std::vector<absl::Status> failures_;
};

// The answer of one Finish().
class FinishAnswer {
 public:
  absl::AnyInvocable<void(absl::StatusOr<TraceStore::End>)> Taker() {
    return [state = state_](absl::StatusOr<TraceStore::End> end) {
      base::MutexLock lock(state->mu);
      state->end = std::move(end);
      state->changed.SignalAll();
    };
  }
  bool has_come() {
    base::MutexLock lock(state_->mu);
    return state_->end.has_value();
  }
  absl::StatusOr<TraceStore::End> Wait() {
    base::MutexLock lock(state_->mu);
    while (!state_->end.has_value()) {
      if (state_->changed.WaitWithTimeout(state_->mu, absl::Seconds(30))) {
        return absl::DeadlineExceededError("Finish() was not answered");
      }
    }
    return *state_->end;
  }

 private:
  struct State {
    base::Mutex mu;
    base::CondVar changed;
    std::optional<absl::StatusOr<TraceStore::End>> end;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();  // the answer may outlive the test
};

// A trace store on a database with one running job.
class TraceFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = *os::MakeTempDir("grange-trace-test");
    options_.dir = dir_ + "/traces";
    OpenRows();
    MakeRows();
    OpenTraces();
  }
  void TearDown() override {
    traces_.reset();
    rows_.reset();
    ASSERT_TRUE(os::RemoveTree(dir_).ok());
  }

  void OpenTraces() {
    auto traces = TraceStore::Open(options_, *rows_, clock_);
    ASSERT_TRUE(traces.ok()) << traces.status();
    traces_ = *std::move(traces);
    ASSERT_TRUE(traces_->Recover().ok());
  }
  // As after a crash: nothing is left in memory. (The files are what the disk has.)
  void Restart() {
    traces_.reset();
    rows_.reset();
    OpenRows();
    OpenTraces();
  }

  void Append(uint64_t offset, absl::string_view bytes) {
    traces_->Append(assignment_, offset, std::string(bytes), sender_);
  }
  FinishAnswer Finish(absl::string_view whole) {
    FinishAnswer answer;
    traces_->Finish(assignment_, whole.size(), os::Sha256Of(whole), sender_, answer.Taker());
    return answer;
  }
  absl::Status CommitEnd(const TraceStore::End& end) {
    store::PutTraceEnd row;
    row.job = assignment_.job;
    row.attempt = assignment_.attempt;
    row.trace_bytes = end.trace_bytes;
    row.sha256 = end.sha256;
    row.damaged = end.damaged;
    return Commit(row);
  }
  absl::Status Commit(store::Write row) {
    std::vector<store::Write> writes;
    writes.push_back(std::move(row));
    return rows_->Commit(writes);
  }
  store::AttemptRow Row() { return *rows_->GetAttempt(assignment_.job, assignment_.attempt); }
  absl::StatusOr<std::string> ReadAll() {
    std::string all;
    while (true) {
      absl::StatusOr<std::string> part =
          traces_->Read(assignment_.job, assignment_.attempt, all.size(), 1 << 20);
      if (!part.ok() || part->empty()) return part.ok() ? all : part;
      all += *part;
    }
  }
  std::string FilePath() const {
    return options_.dir + "/" + std::to_string(assignment_.job.value() / 1000) + "/" +
           std::to_string(assignment_.job.value()) + "-1.trace";
  }

  std::string dir_;
  TraceStore::Options options_;
  os::RealClock clock_;
  std::unique_ptr<store::Store> rows_;
  std::unique_ptr<TraceStore> traces_;
  Assignment assignment_;
  std::shared_ptr<RecordingSender> sender_ = std::make_shared<RecordingSender>();

 private:
  void OpenRows() {
    auto rows = store::OpenSqliteStore(dir_ + "/grange.db", dir_ + "/store.key", clock_);
    ASSERT_TRUE(rows.ok()) << rows.status();
    rows_ = *std::move(rows);
  }
  void MakeRows() { assignment_ = MakeJob(); }

 protected:
  // A running job of a pipeline of its own.
  Assignment MakeJob() {
    store::PipelineRow pipeline;
    pipeline.project = rows_->FindOrMakeProject("p", {})->id;
    std::vector<store::JobRow> jobs(1);
    std::optional<std::string> earlier;
    EXPECT_TRUE(rows_->CreatePipeline(pipeline, jobs, "", &earlier).ok());
    schedule::StoreJob job = jobs[0].progress;
    job.attempt = 1;
    job.phase = schedule::Phase::kRunning;
    job.state = lifecycle::JobState::kRunning;
    EXPECT_TRUE(Commit(job).ok());
    return {.job = job.id, .attempt = 1, .fence = Fence{1}};
  }
};

}  // namespace grange::trace

#endif  // GRANGE_TESTS_COORDINATOR_TRACE_TRACE_FIXTURE_H_
