#ifndef GRANGE_COMMON_OS_SHA256_H_
#define GRANGE_COMMON_OS_SHA256_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace grange::os {

// SHA-256 of bytes that come in pieces. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(absl::string_view bytes);
  // 32 bytes of all so far; Update() may go on.
  std::string Digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string Sha256Of(absl::string_view bytes);  // 32 bytes

}  // namespace grange::os

#endif  // GRANGE_COMMON_OS_SHA256_H_
