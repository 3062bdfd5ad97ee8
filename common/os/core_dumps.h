#ifndef GRANGE_COMMON_OS_CORE_DUMPS_H_
#define GRANGE_COMMON_OS_CORE_DUMPS_H_

namespace grange::os {

// From here on this process, and what it starts, leaves no core file, and no other process of its
// user may read its memory: it has secrets in it.
void ForbidCoreDumps();

}  // namespace grange::os

#endif  // GRANGE_COMMON_OS_CORE_DUMPS_H_
