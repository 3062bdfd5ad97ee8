#ifndef GRANGE_TESTS_CHAOS_LEDGER_H_
#define GRANGE_TESTS_CHAOS_LEDGER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/mutex.h"
#include "tests/chaos/fault_plan.h"
#include "tests/chaos/verdict.h"

namespace grange::chaos {

// What a run has done and seen so far.
struct Tally {
  std::map<FaultKind, int> injected;
  std::map<FaultKind, std::pair<int, std::string>> skipped;  // how often, why
  int pipelines = 0, jobs = 0, attempts = 0, followed = 0;
  int lost = 0, twice = 0, unequal = 0;
  int other = 0;  // what else must not be: a program that died by itself, a process that is left
  std::vector<std::string> findings;
  std::vector<std::string> kept;                     // folders in which there is something to see
  std::map<FaultKind, std::vector<double>> seconds;  // from the end of a fault until all is well
  std::vector<double> ready_seconds;                 // from a coordinator's start until it answers
  bool AllWell() const { return lost + twice + unequal + other == 0; }
};

// Collects it from all threads. Thread-safe.
class Ledger {
 public:
  void NoteInjected(FaultKind kind);
  void NoteSkipped(FaultKind kind, const std::string& why);
  void NoteSettled(FaultKind kind, absl::Duration after);
  void NoteReady(absl::Duration after);
  void NotePipeline();
  void NoteJob(int attempts, const Verdict& verdict);
  void NoteFollowed(const std::string& difference);  // "" if all bytes came
  // A pipeline that did not end, or whose facts can't be had.
  void NoteLost(const std::string& text);
  void NoteOther(const std::string& text);
  void NoteKept(const std::string& folder);
  Tally tally() const;

 private:
  void Find(const std::string& text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable base::Mutex mu_;
  Tally tally_ ABSL_GUARDED_BY(mu_);
};

}  // namespace grange::chaos

#endif  // GRANGE_TESTS_CHAOS_LEDGER_H_
