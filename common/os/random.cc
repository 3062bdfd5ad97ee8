#include "common/os/random.h"

#include <sys/random.h>

#include <cerrno>

#include "common/base/check.h"

namespace grange::os {

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  size_t have = 0;
  while (have < count) {
    const ssize_t got = getrandom(bytes.data() + have, count - have, 0);
    if (got < 0 && errno == EINTR) continue;
    GRANGE_CHECK(got > 0);  // cannot fail on a kernel that runs us
    have += static_cast<size_t>(got);
  }
  return bytes;
}

}  // namespace grange::os
