#ifndef GRANGE_TESTS_FUZZ_HUB_DOOR_H_
#define GRANGE_TESTS_FUZZ_HUB_DOOR_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/rpc/outbox.h"
#include "coordinator/session/session_hub.h"
#include "coordinator/store/store.h"
#include "coordinator/trace/trace_store.h"

namespace grange::fuzz {

// One call of TraceStore::Append().
struct Appended {
  Assignment assignment;
  uint64_t offset = 0;
  std::string bytes;
};

// A trace store that writes nothing down and only notes what it is told. For one thread.
class NotingTraces : public trace::TraceStore {
 public:
  absl::Status Recover() override { return absl::OkStatus(); }
  void Prepare(JobId, AttemptNumber) override {}
  bool Append(const Assignment& assignment, uint64_t offset, std::string bytes,
              std::shared_ptr<Sender>) override {
    appended.push_back({assignment, offset, std::move(bytes)});
    return !full;
  }
  bool AddMark(const Assignment& assignment, trace::Mark mark, std::shared_ptr<Sender>) override {
    marks.emplace_back(assignment, std::move(mark));
    return !full;
  }
  void Finish(const Assignment&, uint64_t, std::string sha256, std::shared_ptr<Sender>,
              absl::AnyInvocable<void(absl::StatusOr<End>)> done) override;
  void Complete(JobId, AttemptNumber) override {}
  void Abandon(JobId, AttemptNumber) override {}
  bool IsPaused(JobId, AttemptNumber) const override { return false; }
  absl::Status Remove(JobId, AttemptNumber) override { return absl::OkStatus(); }
  uint64_t Size(JobId, AttemptNumber) const override { return 0; }
  absl::StatusOr<std::string> Read(JobId, AttemptNumber, uint64_t, size_t) const override {
    return "";
  }
  absl::StatusOr<std::vector<trace::Mark>> ReadMarks(JobId, AttemptNumber,
                                                     uint64_t&) const override {
    return std::vector<trace::Mark>();
  }
  std::unique_ptr<Watch> Subscribe(JobId, AttemptNumber, std::function<void()>) override {
    return nullptr;
  }

  std::vector<Appended> appended;
  std::vector<std::pair<Assignment, trace::Mark>> marks;
  bool full = false;
};

// The agents' door of a coordinator with one agent that has said hello, for as long as the process
// lives: what comes from it afterwards is handled on the caller's thread, and what would go to the
// scheduler or to the agent is noted. One thread calls it.
class HubDoor : public session::SessionListener,
                public session::ControlStreamEnd,
                public rpc::Outbox<v1::HubMsg>::Stream,
                public rpc::Outbox<v1::TraceReply>::Stream {
 public:
  HubDoor();
  ~HubDoor() override;

  session::SessionHub& hub() { return *hub_; }
  const std::shared_ptr<session::AgentSession>& session() const { return session_; }
  NotingTraces& traces() { return traces_; }

  // Forgets what was noted.
  void Clear();

  // --- noted since then
  std::vector<schedule::Event> events;
  std::vector<session::JobResult> results;
  std::vector<v1::HubMsg> sent;
  std::vector<v1::TraceReply> replies;
  std::atomic<int> ends{0};  // how often the session was told to end

  void OnEvent(schedule::Event event) override { events.push_back(std::move(event)); }
  void OnResult(session::JobResult result) override { results.push_back(std::move(result)); }
  void OnNote(JobId) override {}
  // The stream stays open all the same: the next input needs it.
  void End(const absl::Status&) override { ++ends; }
  void Cancel(const absl::Status&) override { ++ends; }
  void StartSend(const v1::HubMsg* message) override;
  void StartSend(const v1::TraceReply* message) override;
  void FinishSending() override {}

 private:
  FakeClock clock_{absl::UnixEpoch()};  // stands still: nobody falls silent
  std::unique_ptr<store::Store> store_;
  NotingTraces traces_;
  std::shared_ptr<rpc::Outbox<v1::HubMsg>> control_;
  std::shared_ptr<rpc::Outbox<v1::TraceReply>> trace_;
  std::shared_ptr<session::AgentSession> session_;
  std::unique_ptr<session::SessionHub> hub_;
};

}  // namespace grange::fuzz

#endif  // GRANGE_TESTS_FUZZ_HUB_DOOR_H_
