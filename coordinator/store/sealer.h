#ifndef GRANGE_COORDINATOR_STORE_SEALER_H_
#define GRANGE_COORDINATOR_STORE_SEALER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/secret.h"

namespace grange::store {

// Encrypts values for the database (XChaCha20-Poly1305) with a key that lies in a file of its own,
// so that a stolen database shows none of them. Thread-safe.
class Sealer {
 public:
  // Reads the key, or makes the file (mode 0600, folder 0700) if `may_make`. kFailedPrecondition
  // if the file is missing, can be read by others, or is no key.
  static absl::StatusOr<std::unique_ptr<Sealer>> Open(const std::string& key_path, bool may_make);
  ~Sealer();

  // `identity` names the row: a sealed value that was copied to another row does not open.
  std::string Seal(const Secret& value, absl::string_view identity) const;
  // kDataLoss if it was not sealed with this key for this row, or was changed.
  absl::StatusOr<Secret> Open(absl::string_view sealed, absl::string_view identity) const;

  // Whether it is a sealed value. No text that was stored before texts were sealed begins like one.
  static bool IsSealed(absl::string_view stored);

 private:
  explicit Sealer(unsigned char* key) : key_(key) {}
  unsigned char* key_;  // in guarded memory of libsodium
};

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_SEALER_H_
