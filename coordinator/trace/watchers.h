#ifndef GRANGE_COORDINATOR_TRACE_WATCHERS_H_
#define GRANGE_COORDINATOR_TRACE_WATCHERS_H_

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/id.h"
#include "common/base/mutex.h"
#include "coordinator/trace/trace_store.h"

namespace grange::trace {

// Who wants to hear of which trace. Thread-safe.
class Watchers {
 public:
  using Key = std::pair<JobId, AttemptNumber>;

  Watchers() : state_(std::make_shared<State>()) {}

  // The handle may outlive this object.
  std::unique_ptr<TraceStore::Watch> Add(const Key& key, std::function<void()> on_change);
  // Calls all that watch `key`.
  void Tell(const Key& key);

 private:
  // One subscription. Its lock is held while its function runs, so that the function is never
  // called once the handle is gone; that is why the function must not wait for whoever destroys
  // the handle.
  struct Entry {
    base::Mutex mu;
    std::function<void()> on_change ABSL_GUARDED_BY(mu);
  };
  // Shared by this object and its handles, which may outlive it.
  struct State {
    base::Mutex mu;
    std::map<Key, std::vector<std::shared_ptr<Entry>>> entries ABSL_GUARDED_BY(mu);
  };
  class Handle;

  const std::shared_ptr<State> state_;
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_WATCHERS_H_
