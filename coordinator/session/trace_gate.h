#ifndef GRANGE_COORDINATOR_SESSION_TRACE_GATE_H_
#define GRANGE_COORDINATOR_SESSION_TRACE_GATE_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/base/id.h"
#include "common/base/mutex.h"

namespace grange::session {

// Who may write which trace now: the bulk streams' copy of the fences, so that they need not ask
// the core for each chunk. The performer opens it before the agent is told to start and closes it
// when the right ends. What the holder says that it does just now is kept as long. Thread-safe.
class TraceGate {
 public:
  // What an agent says itself in a job's output, such as which files it fetches, is not counted by
  // the job's limit: so much of it is taken.
  static constexpr uint64_t kOwnWordsMax = 16 << 20;

  // From the offer on: the job's limit. A restart forgets it; the attempts of before have none.
  void Limit(const Assignment& assignment, uint64_t trace_limit_bytes) ABSL_LOCKS_EXCLUDED(mu_);
  // kInvalidArgument: the attempt's output can't have so many bytes.
  absl::Status CheckBytes(const Assignment& assignment, uint64_t bytes) const
      ABSL_LOCKS_EXCLUDED(mu_);

  void Open(const Assignment& assignment, AgentId agent) ABSL_LOCKS_EXCLUDED(mu_);
  // Closes it for whatever assignment the job has.
  void Close(JobId job) ABSL_LOCKS_EXCLUDED(mu_);
  bool Allows(const Assignment& assignment, AgentId agent) const ABSL_LOCKS_EXCLUDED(mu_);

  // What the agent does for the attempt, for people: "fetching sources"; "": nothing to be named.
  // True if it may say so and that is news.
  bool SetNote(const Assignment& assignment, AgentId agent, std::string note)
      ABSL_LOCKS_EXCLUDED(mu_);
  // "": none.
  std::string NoteOf(JobId job) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Holder {
    Assignment assignment;
    AgentId agent;
    std::string note;
  };
  struct Limited {
    Assignment assignment;
    uint64_t bytes;
  };
  mutable base::Mutex mu_;
  absl::flat_hash_map<JobId, Holder> open_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<JobId, Limited> limits_ ABSL_GUARDED_BY(mu_);
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_TRACE_GATE_H_
