#ifndef GRANGE_COORDINATOR_TRACE_FOLDER_SYNCER_H_
#define GRANGE_COORDINATOR_TRACE_FOLDER_SYNCER_H_

#include <cstdint>
#include <map>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "common/base/mutex.h"

namespace grange::trace {

// Makes the names of new files durable, on a thread of its own: a sync of the folder takes as long
// as one of a file, and a new file's name is needed only once its first bytes are promised.
// Requests that wait at the same time share one sync. Thread-safe.
class FolderSyncer {
 public:
  using Ticket = uint64_t;

  FolderSyncer();
  ~FolderSyncer();

  // Asks for a sync of all names that `folder` has now.
  Ticket Request(const std::string& folder) ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until that is done. After an error the caller syncs the folder itself.
  absl::Status Wait(Ticket ticket) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  base::Mutex mu_;
  base::CondVar wanted_;
  base::CondVar done_;
  std::map<std::string, Ticket> waiting_ ABSL_GUARDED_BY(mu_);  // folder, its newest request
  Ticket last_ ABSL_GUARDED_BY(mu_) = 0;
  Ticket finished_ ABSL_GUARDED_BY(mu_) = 0;  // all up to here are done
  // The newest request of the last round that failed, and why.
  Ticket failed_ ABSL_GUARDED_BY(mu_) = 0;
  Ticket failed_from_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_FOLDER_SYNCER_H_
