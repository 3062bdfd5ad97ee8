#ifndef GRANGE_COMMON_OS_RANDOM_H_
#define GRANGE_COMMON_OS_RANDOM_H_

#include <cstddef>
#include <string>

namespace grange::os {

// `count` bytes of the kernel's random generator, for keys and tokens.
std::string RandomBytes(size_t count);

}  // namespace grange::os

#endif  // GRANGE_COMMON_OS_RANDOM_H_
