#ifndef GRANGE_AGENT_WORKSPACE_CANCELLATION_H_
#define GRANGE_AGENT_WORKSPACE_CANCELLATION_H_

#include <cstdint>
#include <functional>
#include <map>

#include "common/base/mutex.h"
#include "common/os/unique_fd.h"

namespace grange::workspace {

// Tells blocking work on another thread to stop: it polls fd(), or has a hook called. Once
// canceled it stays so. Thread-safe.
class Cancellation {
 public:
  Cancellation();

  void Cancel() ABSL_LOCKS_EXCLUDED(mu_);
  bool canceled() const ABSL_LOCKS_EXCLUDED(mu_);
  int fd() const { return event_.get(); }  // readable once canceled; never read it

  // Calls `hook` on cancel, from the canceling thread (at once if that has happened), until this
  // goes. The destructor waits for a hook that is being called.
  class Hook {
   public:
    Hook(Cancellation& cancellation, std::function<void()> hook);
    Hook(const Hook&) = delete;
    Hook& operator=(const Hook&) = delete;
    ~Hook();

   private:
    Cancellation& cancellation_;
    uint64_t id_;
  };

 private:
  os::UniqueFd event_;
  mutable base::Mutex mu_;
  bool canceled_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t next_id_ ABSL_GUARDED_BY(mu_) = 1;
  std::map<uint64_t, std::function<void()>> hooks_ ABSL_GUARDED_BY(mu_);
  uint64_t calling_ ABSL_GUARDED_BY(mu_) = 0;  // the hook that is being called
  base::CondVar called_;
};

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_CANCELLATION_H_
