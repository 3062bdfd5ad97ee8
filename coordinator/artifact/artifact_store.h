#ifndef GRANGE_COORDINATOR_ARTIFACT_ARTIFACT_STORE_H_
#define GRANGE_COORDINATOR_ARTIFACT_ARTIFACT_STORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace grange::artifact {

// Files by content below one folder (docs/formats/artifacts.md): ab/cdef… (SHA-256), complete or
// not there at all. Incoming ones are kept as incoming/<sha256> so that a cut upload goes on where
// it stopped. Blocks on the disk. Thread-safe; two uploads of the same content at once are fine,
// the last complete one wins.
class ArtifactStore {
 public:
  struct Options {
    std::string dir;
    uint64_t file_bytes_max = uint64_t{1} << 30;
  };
  static absl::StatusOr<std::unique_ptr<ArtifactStore>> Open(Options options);

  // One upload. Destroying it keeps what came for the next one. While it is there its content isn't
  // removed: keep it until the row that wants the content is durable.
  class Upload {
   public:
    virtual ~Upload() = default;
    virtual uint64_t have() const = 0;  // the sender starts from here
    // kInvalidArgument for a gap or more bytes than announced.
    virtual absl::Status Append(uint64_t offset, absl::string_view bytes) = 0;
    // Checks the hash, syncs, puts it in place. kDataLoss if the hash differs (all is dropped).
    virtual absl::Status Finish() = 0;
  };
  virtual ~ArtifactStore() = default;
  // kResourceExhausted if `size` is over the limit, naming both.
  virtual absl::StatusOr<std::unique_ptr<Upload>> Begin(absl::string_view sha256,
                                                        uint64_t size) = 0;

  virtual bool Has(absl::string_view sha256) const = 0;
  // Removes the content, unless an upload has it in hand or `in_use` says that somebody wants it
  // (it is asked when no new upload can begin; it may block). Returns the bytes that went.
  using InUse = absl::FunctionRef<absl::StatusOr<bool>(const std::string& sha256)>;
  virtual absl::StatusOr<uint64_t> Remove(const std::string& sha256, InUse in_use) = 0;
  // The contents that are there, of one of the 256 folders: call it for 0 … 255.
  virtual absl::StatusOr<std::vector<std::string>> List(int folder) const = 0;
  // Removes unfinished uploads that nobody has gone on with for so long. Returns how many.
  virtual absl::StatusOr<int> RemoveCutUploads(absl::Duration untouched_for, absl::Time now) = 0;
  virtual absl::StatusOr<std::string> Read(absl::string_view sha256, uint64_t offset,
                                           size_t max) const = 0;
};

}  // namespace grange::artifact

#endif  // GRANGE_COORDINATOR_ARTIFACT_ARTIFACT_STORE_H_
