#ifndef GRANGE_AGENT_WORKSPACE_FILE_DOOR_H_
#define GRANGE_AGENT_WORKSPACE_FILE_DOOR_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/workspace/cancellation.h"
#include "common/base/id.h"

namespace grange::workspace {

// Files between this agent and the coordinator. Both calls block, go on where a cut connection
// stopped, and try again for a while before they fail with kUnavailable: a coordinator may be away
// for an upgrade, or for as long as the job may wait for it. Thread-safe.
class FileDoor {
 public:
  virtual ~FileDoor() = default;

  struct Upload {
    Assignment assignment;
    std::string path;
    std::string name;  // of the archive, for people
    uint64_t size = 0;
    std::string sha256;  // 32 bytes
    absl::Duration try_for = absl::Minutes(10);
  };
  // Returns the stored artifact's id.
  virtual absl::StatusOr<std::string> Put(const Upload& upload, Cancellation& cancellation) = 0;

  struct Download {
    Assignment assignment;  // of the job that wants it
    std::string artifact_id;
    std::string path;    // a new file
    uint64_t size = 0;   // 0: not known
    std::string sha256;  // empty: not checked
    absl::Duration try_for = absl::Minutes(10);
  };
  // kDataLoss if what came is not what was announced.
  virtual absl::Status Get(const Download& download, Cancellation& cancellation) = 0;
};

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_FILE_DOOR_H_
