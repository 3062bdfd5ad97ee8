#include "common/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace grange::internal {

void CheckFailed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: internal error, please report it: check failed: %s\n", file, line,
               what);
  std::fflush(stderr);
  std::abort();
}

}  // namespace grange::internal
