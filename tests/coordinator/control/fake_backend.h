#ifndef GRANGE_TESTS_COORDINATOR_CONTROL_FAKE_BACKEND_H_
#define GRANGE_TESTS_COORDINATOR_CONTROL_FAKE_BACKEND_H_

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "coordinator/control/backend.h"

namespace grange::control {

// The core: counts what it does, and commits it with its answer. With `cut` the caller never hears
// of it, as if the coordinator had died after the commit.
class FakeBackend : public Backend {
 public:
  explicit FakeBackend(store::Store& store) : store_(store) {}

  absl::StatusOr<SubmitAnswer> Submit(const SubmitOrder&) override {
    return absl::UnimplementedError("");
  }
  absl::Status Request(const schedule::Event&, const store::Answer& answer) override {
    ++done;
    if (before_commit) before_commit();
    EXPECT_TRUE(store_.Commit({answer}).ok());
    return cut ? absl::UnavailableError("the coordinator is gone") : absl::OkStatus();
  }
  void Tell(schedule::Event) override {}
  absl::StatusOr<schedule::Explanation> Why(JobId) override { return absl::NotFoundError(""); }
  std::vector<schedule::Scheduler::AgentView> Agents() override { return agents; }
  absl::Time LastContact(AgentId) const override { return absl::InfinitePast(); }
  absl::Time AwaySince(AgentId) const override { return away_since; }
  std::string NoteOf(JobId) const override { return note; }
  bool StopsOnDisconnect(JobId) override { return stops; }
  void EndSessionsOf(AgentId, const absl::Status&) override {}
  absl::StatusOr<BackupMade> CreateBackup(const std::string&, bool,
                                          const std::function<void(uint64_t)>&) override {
    return BackupMade{.folder = "/backups/b"};
  }
  absl::StatusOr<UsageReport> Usage() override { return UsageReport{}; }
  absl::StatusOr<std::vector<sweep::Swept>> Sweep(bool) override { return swept; }
  std::string ReadOnlyReason() const override { return ""; }

  std::atomic<int> done{0};
  bool cut = false;
  absl::Time away_since = absl::InfiniteFuture();  // every agent
  std::string note;                                // of every job
  bool stops = false;                              // every job
  std::vector<schedule::Scheduler::AgentView> agents;
  std::function<void()> before_commit;
  std::vector<sweep::Swept> swept;

 private:
  store::Store& store_;
};

}  // namespace grange::control

#endif  // GRANGE_TESTS_COORDINATOR_CONTROL_FAKE_BACKEND_H_
