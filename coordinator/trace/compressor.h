#ifndef GRANGE_COORDINATOR_TRACE_COMPRESSOR_H_
#define GRANGE_COORDINATOR_TRACE_COMPRESSOR_H_

#include <deque>
#include <string>
#include <thread>

#include "common/base/mutex.h"

namespace grange::trace {

// Compresses finished trace files one after the other on a thread of the lowest priority. What it
// has not done when it goes stays as it is: both forms can be read. Thread-safe.
class Compressor {
 public:
  Compressor();
  ~Compressor();

  // Replaces `path` by `path`.zst soon, if it is large enough to be worth it.
  void Add(std::string path) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  base::Mutex mu_;
  base::CondVar changed_;
  std::deque<std::string> paths_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_COMPRESSOR_H_
