#ifndef GRANGE_TESTS_CHAOS_EXCUSES_H_
#define GRANGE_TESTS_CHAOS_EXCUSES_H_

#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "common/base/mutex.h"

namespace grange::chaos {

// Which faults were done to whom, so that an attempt that failed can be told from one that was
// lost: docs/operations.md names the reason with which each fault may end an attempt. Thread-safe.
class Excuses {
 public:
  // Each before the fault strikes.
  void NoteShimKilled(const std::string& folder);  // "12-1": job 12, attempt 1
  void NoteAgentKilled(const std::string& agent);
  void NoteAgentDisk(const std::string& agent);
  void NoteCoordinatorDisk();
  void NoteAbsence(const std::string& agent);

  // Whether some fault explains that this attempt ended with this reason. `started`: the job's
  // program has left its mark.
  bool Explain(const std::string& folder, const std::string& agent, const std::string& reason,
               bool started) const;

 private:
  // Says what has been done to `agent`, "" for the coordinator.
  bool Was(const std::string& what, const std::string& agent) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable base::Mutex mu_;
  std::set<std::string> shims_ ABSL_GUARDED_BY(mu_);
  std::set<std::pair<std::string, std::string>> done_ ABSL_GUARDED_BY(mu_);  // what, to whom
};

}  // namespace grange::chaos

#endif  // GRANGE_TESTS_CHAOS_EXCUSES_H_
