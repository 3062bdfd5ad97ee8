#ifndef GRANGE_COORDINATOR_ARTIFACT_CONTENT_HOLDS_H_
#define GRANGE_COORDINATOR_ARTIFACT_CONTENT_HOLDS_H_

#include <map>
#include <set>
#include <string>

#include "common/base/mutex.h"

namespace grange::artifact {

// Which contents an upload has in hand, so that none of them is removed before the row is there
// that wants it. Thread-safe.
class ContentHolds {
 public:
  // Several may hold the same. Waits while it is being removed.
  void Hold(const std::string& sha256) ABSL_LOCKS_EXCLUDED(mu_);
  void Release(const std::string& sha256) ABSL_LOCKS_EXCLUDED(mu_);

  // False if it is held; else nobody holds it until EndRemoval().
  bool BeginRemoval(const std::string& sha256) ABSL_LOCKS_EXCLUDED(mu_);
  void EndRemoval(const std::string& sha256) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  base::Mutex mu_;
  base::CondVar removed_;
  std::map<std::string, int> held_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> removing_ ABSL_GUARDED_BY(mu_);
};

}  // namespace grange::artifact

#endif  // GRANGE_COORDINATOR_ARTIFACT_CONTENT_HOLDS_H_
