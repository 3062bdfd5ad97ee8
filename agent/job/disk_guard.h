#ifndef GRANGE_AGENT_JOB_DISK_GUARD_H_
#define GRANGE_AGENT_JOB_DISK_GUARD_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id.h"

namespace grange::job {

struct DiskLimits {
  uint64_t pause_free_bytes = 256 << 20;            // with less free, no output is taken
  absl::Duration fail_after = absl::Minutes(1);     // so long without relief: the largest fails
  uint64_t spool_quota_bytes = uint64_t{10} << 30;  // of the folders of all jobs
};

// What one attempt has on the agent's disk.
struct DiskUse {
  Assignment assignment;
  bool runs = false;             // else it has ended, and its folder goes once it is forgotten
  uint64_t spool_bytes = 0;      // in its folder
  uint64_t work_tree_bytes = 0;  // in its work tree, written since its script began

  bool into_work_tree() const { return work_tree_bytes > spool_bytes; }
  uint64_t written() const { return into_work_tree() ? work_tree_bytes : spool_bytes; }
};

// Decides what happens while the agent's disk is short of space. Pure: sizes and times come in,
// what is to be done comes out. Times are since boot.
class DiskGuard {
 public:
  explicit DiskGuard(const DiskLimits& limits) : limits_(limits) {}

  struct Order {
    bool pause = false;         // jobs' output stays in their pipes as long as this is said
    bool fail_largest = false;  // nothing has helped; said again only after the whole time anew
  };
  Order Look(uint64_t free_bytes, absl::Duration now);
  bool is_short() const { return short_since_.has_value(); }

  // Nearly nothing is left: programs have seen that the disk is full.
  bool IsFull(uint64_t free_bytes) const { return free_bytes < limits_.pause_free_bytes / 16; }

  // Who is to fail: the one that has written the most. None if that has ended already: then space
  // comes when the coordinator has its log.
  static std::optional<DiskUse> ToFail(const std::vector<DiskUse>& uses);
  // What `assignment`, whose script has failed on a full disk, has written, if that was the most.
  static std::optional<DiskUse> IfLargest(const std::vector<DiskUse>& uses,
                                          const Assignment& assignment);

 private:
  const DiskLimits limits_;
  std::optional<absl::Duration> short_since_;  // or since the last one was to fail
};

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_DISK_GUARD_H_
