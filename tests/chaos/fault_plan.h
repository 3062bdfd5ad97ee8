#ifndef GRANGE_TESTS_CHAOS_FAULT_PLAN_H_
#define GRANGE_TESTS_CHAOS_FAULT_PLAN_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/chaos/dice.h"

// Which fault comes when, from a seed alone. Pure: what a machine can't do is left out by whoever
// carries the plan out, so that the sequence is the same everywhere.
namespace grange::chaos {

// docs/faults.md names the rows that each stands for.
enum class FaultKind {
  kKillCoordinator,
  kKillAgent,
  kKillBoth,
  kKillShim,
  kStopCoordinator,  // SIGSTOP, later SIGCONT
  kStopAgent,
  kStopShim,
  kCutLink,   // connections end, new ones are refused
  kHoldLink,  // nothing passes, nothing ends
  kHoldOneWay,
  kSlowLink,  // each byte arrives later
  kCutAfterBytes,
  kUnplug,  // from here on in the agent's own network namespace
  kDropOneWay,
  kLosePackets,
  kNarrowLink,
  kFullCoordinatorDisk,
  kFullAgentDisk,
  kCoordinatorDiesAtCall,  // at its n-th write, sync or rename
  kAgentDiesAtCall,
  kCoordinatorDiskError,  // EIO or ENOSPC from there on, a few times
  kAgentDiskError,
  kShimDiskError,
  kAgentAbsence,  // stopped for longer than lost_after
};

inline constexpr FaultKind kFaultKinds[] = {
    FaultKind::kKillCoordinator,
    FaultKind::kKillAgent,
    FaultKind::kKillBoth,
    FaultKind::kKillShim,
    FaultKind::kStopCoordinator,
    FaultKind::kStopAgent,
    FaultKind::kStopShim,
    FaultKind::kCutLink,
    FaultKind::kHoldLink,
    FaultKind::kHoldOneWay,
    FaultKind::kSlowLink,
    FaultKind::kCutAfterBytes,
    FaultKind::kUnplug,
    FaultKind::kDropOneWay,
    FaultKind::kLosePackets,
    FaultKind::kNarrowLink,
    FaultKind::kFullCoordinatorDisk,
    FaultKind::kFullAgentDisk,
    FaultKind::kCoordinatorDiesAtCall,
    FaultKind::kAgentDiesAtCall,
    FaultKind::kCoordinatorDiskError,
    FaultKind::kAgentDiskError,
    FaultKind::kShimDiskError,
    FaultKind::kAgentAbsence,
};

absl::string_view FaultKindText(FaultKind kind);  // "coordinator killed"

struct Fault {
  int number = 0;  // from 1
  FaultKind kind = FaultKind::kKillCoordinator;
  uint64_t choice = 0;   // which agent, job or order, taken modulo how many there are
  absl::Duration after;  // the moment before it
  absl::Duration lasts;  // where it is one that lasts; of a kill: until the next start
  uint64_t count = 0;    // which call, how many bytes
  std::string call;      // "fdatasync"
  std::string error;     // "EIO"
  // Wait until all is well again before the next one; else that one may strike in the middle of
  // the repair.
  bool settle = false;

  std::string ToString() const;
};

struct FaultCounts {
  std::map<FaultKind, int> of;

  // Those of the long form with `kills` of the coordinator and as many of agents. Both at once: a
  // fifth of that.
  static FaultCounts Long(int kills);
  // Twenty of each kind of kill, two or three of the others.
  static FaultCounts Short();
  int sum() const;
};

// A shuffled deck of the counted faults; when it is used up, another one. Not thread-safe.
class FaultPlan {
 public:
  struct Pace {
    absl::Duration after_max = absl::Milliseconds(1500);
    int settle_percent = 50;
    // Limits of how long a fault lasts: most are short, some exceed the time of silence after
    // which a peer is given up.
    absl::Duration short_max = absl::Seconds(1);
    absl::Duration long_max = absl::Seconds(6);
    int long_percent = 25;
    absl::Duration absence = absl::Seconds(45);
  };

  FaultPlan(uint64_t seed, FaultCounts counts, Pace pace);

  Fault Next();
  // Whether the deck has been gone through.
  bool used_up() const { return next_ == deck_.size(); }

 private:
  void Shuffle();

  const FaultCounts counts_;
  const Pace pace_;
  Dice dice_;
  std::vector<FaultKind> deck_;
  size_t next_ = 0;
  int number_ = 0;
};

}  // namespace grange::chaos

#endif  // GRANGE_TESTS_CHAOS_FAULT_PLAN_H_
