#ifndef GRANGE_COORDINATOR_TRACE_COMPRESSOR_H_
#define GRANGE_COORDINATOR_TRACE_COMPRESSOR_H_

#include <cstdint>
#include <deque>
#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "common/base/mutex.h"

namespace grange::trace {

// Compresses finished trace files one after the other on a thread of the lowest priority. What it
// has not done when it goes stays as it is: both forms can be read. Thread-safe.
class Compressor {
 public:
  Compressor();
  ~Compressor();

  // Replaces `path` by `path`.zst soon, if it is large enough to be worth it; then calls `done`
  // with its size, on the thread of its own. It may be removed meanwhile: then neither is there.
  using Done = absl::AnyInvocable<void(uint64_t bytes)>;
  void Add(std::string path, Done done) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Work {
    std::string path;
    Done done;
  };
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  base::Mutex mu_;
  base::CondVar changed_;
  std::deque<Work> waiting_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_COMPRESSOR_H_
