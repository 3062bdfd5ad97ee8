#ifndef GRANGE_COMMON_BASE_CHECK_H_
#define GRANGE_COMMON_BASE_CHECK_H_

#include "absl/base/optimization.h"

namespace grange::internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* what);
}  // namespace grange::internal

// Stops the program where only a bug can have led to; never for input, network, disk or process.
#define GRANGE_CHECK(condition)                                        \
  do {                                                                 \
    if (ABSL_PREDICT_FALSE(!(condition))) {                            \
      ::grange::internal::CheckFailed(__FILE__, __LINE__, #condition); \
    }                                                                  \
  } while (false)

#endif  // GRANGE_COMMON_BASE_CHECK_H_
