#ifndef GRANGE_COORDINATOR_SERVER_COORDINATOR_H_
#define GRANGE_COORDINATOR_SERVER_COORDINATOR_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/lease_grace.h"
#include "coordinator/schedule/scheduler.h"
#include "coordinator/server/certificate_keeper.h"
#include "coordinator/server/commit_tree.h"
#include "coordinator/session/session_hub.h"
#include "coordinator/sweep/sweeper.h"

namespace grange::server {

struct CoordinatorOptions {
  std::string state_dir;
  std::string listen = "127.0.0.1:7420";
  std::vector<std::string> names;  // further names for the certificate
  CertificateFiles certificate;    // empty: made by the coordinator's own CA
  bool insecure = false;           // plain text; loopback only
  IncludeOptions includes;         // `names` are hosts of components, too
  std::string backup_folder;       // "": "backups" in the state directory
  absl::Duration backup_every = absl::Hours(1);
  size_t backups_kept = 24;
  sweep::Sweeper::Options sweeps;  // but its folder of traces
  schedule::SchedulerOptions scheduler;
  session::SessionOptions sessions;
  // What agents give a job whose lease is over: known here, not set.
  absl::Duration lease_grace = kLeaseGrace;
  // Other ways than the safe one are for measurements.
  enum class Commits {
    kGrouped,   // what waits is one transaction
    kEach,      // each decision of the core is one
    kUnsynced,  // as kGrouped; the database is not synced: the machine's crash loses it
  };
  Commits commits = Commits::kGrouped;
};

// A whole coordinator in this process: opens the state directory (and keeps its lock), recovers,
// listens. Destroying it stops in order: agents are told, streams end, decisions that were made
// are stored.
class Coordinator {
 public:
  // kAlreadyExists: the state directory or the port is in use; kFailedPrecondition: the database is
  // newer than this program; kDataLoss: it is damaged. The text says what to do.
  static absl::StatusOr<std::unique_ptr<Coordinator>> Start(CoordinatorOptions options);
  virtual ~Coordinator() = default;

  // Where it listens: "host:port", with the port that the system chose.
  virtual const std::string& address() const = 0;
};

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_COORDINATOR_H_
