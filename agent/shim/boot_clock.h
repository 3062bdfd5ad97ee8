#ifndef GRANGE_AGENT_SHIM_BOOT_CLOCK_H_
#define GRANGE_AGENT_SHIM_BOOT_CLOCK_H_

#include <time.h>

#include <cstdint>

namespace grange::shim {

// Since this machine's start, suspends included; it never jumps. The one clock that
// decides something in the shim.
inline uint64_t BootMicros() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}
inline uint64_t BootMillis() { return BootMicros() / 1000; }

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_BOOT_CLOCK_H_
