#ifndef GRANGE_COORDINATOR_ARTIFACT_FILE_UPLOAD_H_
#define GRANGE_COORDINATOR_ARTIFACT_FILE_UPLOAD_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "coordinator/artifact/artifact_store.h"

namespace grange::artifact {

// Which unfinished files have an upload at work, so that a second one of the same content takes a
// file of its own. Thread-safe.
class Claims {
 public:
  bool Take(const std::string& path) ABSL_LOCKS_EXCLUDED(mu_);
  void Release(const std::string& path) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  base::Mutex mu_;
  std::set<std::string> taken_ ABSL_GUARDED_BY(mu_);
};

// What an upload writes and where it goes.
struct Places {
  std::string incoming;  // the unfinished file; taken in the Claims
  std::string final;
  bool keep = true;  // it stays for the next upload if this one is cut
};

// Opens the unfinished file and goes on with what it has. `claims` is shared with the store, which
// an upload may outlive; it is released when the upload goes.
absl::StatusOr<std::unique_ptr<ArtifactStore::Upload>> OpenFileUpload(
    Places places, std::string sha256, uint64_t size, std::shared_ptr<Claims> claims);

}  // namespace grange::artifact

#endif  // GRANGE_COORDINATOR_ARTIFACT_FILE_UPLOAD_H_
