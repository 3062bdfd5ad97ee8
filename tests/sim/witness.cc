#include "tests/sim/witness.h"

#include "absl/strings/str_cat.h"

namespace grange::sim {

using lifecycle::FailureReason;
using lifecycle::JobState;

std::string TraceOf(const AttemptId& id, size_t bytes) {
  std::string trace(bytes, ' ');
  const uint64_t salt =
      static_cast<uint64_t>(id.job.value()) * 31 + static_cast<uint64_t>(id.attempt);
  for (size_t i = 0; i < bytes; ++i) trace[i] = static_cast<char>('a' + (salt * 7 + i * i) % 26);
  return trace;
}

void Witness::ScriptStarts(const AttemptId& id) {
  ++tally_.scripts;
  if (++starts_[id] > 1) {
    Fail(absl::StrCat("P2: the script of ", id.job.ToString(), "/", id.attempt, " started twice"));
  }
  if (jobs_.at(id.job).stop_on_disconnect) {
    for (const AttemptId& other : running_) {
      if (other.job != id.job) continue;
      Fail(absl::StrCat("P4: attempts ", other.attempt, " and ", id.attempt, " of ",
                        id.job.ToString(), " run at the same time"));
    }
  }
  running_.insert(id);
}

void Witness::ScriptStops(const AttemptId& id) { running_.erase(id); }

void Witness::Committed(const schedule::StoreJob& before, const schedule::StoreJob& row,
                        const std::string* trace) {
  if (row.attempt != before.attempt) CheckNewAttempt(before, row);
  CheckGrant(before, row);
  if (trace == nullptr) return;
  const auto ended = ended_.find({row.id, row.attempt});
  if (ended != ended_.end()) {
    const schedule::StoreJob& first = ended->second;
    if (first.state != row.state || first.reason != row.reason ||
        first.exit_code != row.exit_code) {
      Fail(absl::StrCat("P5: the end of ", row.id.ToString(), "/", row.attempt,
                        " was stored and then changed from ", lifecycle::JobStateName(first.state),
                        " to ", lifecycle::JobStateName(row.state)));
    }
    return;
  }
  if (lifecycle::IsFinal(row.state)) {
    ended_.emplace(AttemptId{row.id, row.attempt}, row);
    ++tally_.ends[row.reason];
    CheckEnd(row, *trace);
  }
}

void Witness::CheckGrant(const schedule::StoreJob& before, const schedule::StoreJob& row) {
  const auto given = [](const schedule::StoreJob& job) {
    return job.phase == schedule::Phase::kGranted || job.phase == schedule::Phase::kRunning;
  };
  if (!given(row) || (given(before) && before.attempt == row.attempt)) return;
  if (!draining_.contains(row.agent)) return;
  Fail(absl::StrCat("drain: ", row.id.ToString(), "/", row.attempt, " was granted to ",
                    row.agent.ToString(), " after a person was told that it drains"));
}

void Witness::CheckNewAttempt(const schedule::StoreJob& before, const schedule::StoreJob& row) {
  const std::string name = absl::StrCat(row.id.ToString(), "/", row.attempt);
  if (row.attempt != before.attempt + 1) {
    Fail(absl::StrCat("P3: ", name, " follows attempt ", before.attempt));
  }
  if (before.attempt == 0) return;
  const bool by_policy = before.state == JobState::kFailed &&
                         lifecycle::ShouldRetry(jobs_.at(row.id).retry, before.automatic_retries,
                                                before.reason, before.exit_code) &&
                         row.automatic_retries == before.automatic_retries + 1;
  if (by_policy) return;
  if (--asked_[row.id] < 0) {
    Fail(absl::StrCat("P3: nobody asked for ", name, " and the retry policy does not name '",
                      lifecycle::FailureReasonName(before.reason), "'"));
  }
}

void Witness::CheckEnd(const schedule::StoreJob& row, const std::string& trace) {
  const std::string name = absl::StrCat(row.id.ToString(), "/", row.attempt);
  // Declared by the coordinator alone: there is no result to compare with.
  if (!row.detail.empty()) return;
  const auto ending = endings_.find({row.id, row.attempt});
  if (ending == endings_.end()) {
    return Fail(absl::StrCat("P5: ", name, " has a result that its agent never wrote"));
  }
  const Ending& real = ending->second;
  const bool canceled = row.state == JobState::kCanceled;
  if (!canceled && (real.reason != row.reason || real.exit_code != row.exit_code)) {
    Fail(absl::StrCat("P5: ", name, " ended with '", lifecycle::FailureReasonName(real.reason),
                      "' ", real.exit_code, ", stored is '",
                      lifecycle::FailureReasonName(row.reason), "' ", row.exit_code));
  }
  if (trace != TraceOf({row.id, row.attempt}, real.trace_bytes)) {
    Fail(absl::StrCat("P6: ", name, " printed ", real.trace_bytes, " bytes, stored are ",
                      trace.size(), trace.size() == real.trace_bytes ? " others" : ""));
  }
}

void Witness::Fail(absl::string_view what) {
  if (violation_.empty()) violation_ = std::string(what);
}

}  // namespace grange::sim
