#ifndef GRANGE_COMMON_BASE_SECRET_H_
#define GRANGE_COMMON_BASE_SECRET_H_

#include <string>

#include "absl/strings/string_view.h"

namespace grange {

// A value that must not be seen: it cannot be printed, compared, hashed or put in a Status. It is
// opened only where a job's environment is built or a value is sealed. Its memory is overwritten
// when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  // Every call is a place where the value can escape: keep them few.
  absl::string_view Open() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace grange

#endif  // GRANGE_COMMON_BASE_SECRET_H_
