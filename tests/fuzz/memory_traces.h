#ifndef GRANGE_TESTS_FUZZ_MEMORY_TRACES_H_
#define GRANGE_TESTS_FUZZ_MEMORY_TRACES_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "common/os/sha256.h"
#include "coordinator/trace/trace_store.h"

namespace grange::trace {

// Traces in memory, durable at once, with the offsets and hashes of the real store. Answers on the
// caller's thread. For one caller at a time.
class MemoryTraces final : public TraceStore {
 public:
  // Asked before bytes are taken: who may write.
  std::function<void(const Assignment&, const Sender&)> on_append = [](const Assignment&,
                                                                       const Sender&) {};

  absl::Status Recover() override { return absl::OkStatus(); }
  void Prepare(JobId, AttemptNumber) override {}
  bool Append(const Assignment& assignment, uint64_t offset, std::string bytes,
              std::shared_ptr<Sender> sender) override {
    on_append(assignment, *sender);
    Trace& trace = traces_[{assignment.job, assignment.attempt}];
    const uint64_t have = trace.bytes.size();
    if (offset > have && !trace.complete) {
      sender->Resume(assignment, have);
      return true;
    }
    if (!trace.complete && offset + bytes.size() > have) {
      trace.bytes += bytes.substr(have - offset);
    }
    sender->Ack(assignment, trace.bytes.size());
    TryToFinish(trace);
    return true;
  }
  bool AddMark(const Assignment& assignment, Mark, std::shared_ptr<Sender> sender) override {
    on_append(assignment, *sender);
    return true;
  }
  void Finish(const Assignment& assignment, uint64_t trace_bytes, std::string sha256,
              std::shared_ptr<Sender> sender,
              absl::AnyInvocable<void(absl::StatusOr<End>)> done) override {
    Trace& trace = traces_[{assignment.job, assignment.attempt}];
    trace.wanted =
        Wanted{assignment, trace_bytes, std::move(sha256), std::move(sender), std::move(done)};
    TryToFinish(trace);
    if (trace.wanted.has_value()) trace.wanted->sender->Resume(assignment, trace.bytes.size());
  }
  void Complete(JobId job, AttemptNumber attempt) override { Close({job, attempt}); }
  void Abandon(JobId job, AttemptNumber attempt) override { Close({job, attempt}); }
  bool IsPaused(JobId, AttemptNumber) const override { return false; }
  absl::Status Remove(JobId, AttemptNumber) override { return absl::OkStatus(); }
  uint64_t Size(JobId job, AttemptNumber attempt) const override {
    const auto found = traces_.find({job, attempt});
    return found == traces_.end() ? 0 : found->second.bytes.size();
  }
  absl::StatusOr<std::string> Read(JobId, AttemptNumber, uint64_t, size_t) const override {
    return absl::UnimplementedError("nobody reads here");
  }
  absl::StatusOr<std::vector<Mark>> ReadMarks(JobId, AttemptNumber, uint64_t&) const override {
    return std::vector<Mark>();
  }
  std::unique_ptr<Watch> Subscribe(JobId, AttemptNumber, std::function<void()>) override {
    return nullptr;
  }

 private:
  using Key = std::pair<JobId, AttemptNumber>;
  struct Wanted {
    Assignment assignment;
    uint64_t bytes = 0;
    std::string sha256;
    std::shared_ptr<Sender> sender;
    absl::AnyInvocable<void(absl::StatusOr<End>)> done;
  };
  struct Trace {
    std::string bytes;
    bool complete = false;
    bool asked_again = false;
    std::optional<Wanted> wanted;
  };

  void TryToFinish(Trace& trace) {
    if (!trace.wanted.has_value()) return;
    if (!trace.complete && trace.bytes.size() < trace.wanted->bytes) return;
    const std::string front = trace.bytes.substr(0, trace.wanted->bytes);
    const bool same = trace.complete || os::Sha256Of(front) == trace.wanted->sha256;
    if (!same && !std::exchange(trace.asked_again, true)) {
      trace.bytes.clear();
      return;
    }
    Wanted wanted = *std::exchange(trace.wanted, std::nullopt);
    wanted.done(End{
        .trace_bytes = trace.bytes.size(), .sha256 = std::move(wanted.sha256), .damaged = !same});
  }
  void Close(const Key& key) {
    Trace& trace = traces_[key];
    trace.complete = true;
    std::optional<Wanted> wanted = std::exchange(trace.wanted, std::nullopt);
    if (wanted.has_value()) wanted->done(absl::AbortedError("the attempt is over"));
  }

  std::map<Key, Trace> traces_;
};

}  // namespace grange::trace

#endif  // GRANGE_TESTS_FUZZ_MEMORY_TRACES_H_
