#ifndef GRANGE_COORDINATOR_STORE_CHECKPOINTER_H_
#define GRANGE_COORDINATOR_STORE_CHECKPOINTER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "coordinator/store/connection.h"

namespace grange::store {

// Moves the write-ahead log back into the database on a thread and a connection of its own, so
// that no commit pays for it. Sleeps until the writer tells of growth: an idle process never
// wakes. Thread-safe.
class Checkpointer {
 public:
  static absl::StatusOr<std::unique_ptr<Checkpointer>> Start(const std::string& path);
  ~Checkpointer();

  // The log has `pages` pages after a commit. Returns at once.
  void LogHas(int pages) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  explicit Checkpointer(std::unique_ptr<Connection> connection);
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  const std::unique_ptr<Connection> connection_;  // of the thread
  base::Mutex mu_;
  base::CondVar changed_;
  int pages_ ABSL_GUARDED_BY(mu_) = 0;
  int done_at_ ABSL_GUARDED_BY(mu_) = 0;  // pages_ when the last checkpoint began
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_CHECKPOINTER_H_
