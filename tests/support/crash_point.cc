#include "tests/support/crash_point.h"

#include "absl/strings/str_cat.h"

namespace grange::test {

std::vector<std::string> CrashPointPrefix(const std::string& program, const std::string& call,
                                          int n) {
  return {"env", "LD_PRELOAD=" GRANGE_CRASH_POINT_LIBRARY, "CRASH_POINT_PROGRAM=" + program,
          absl::StrCat("CRASH_POINT=", call, ":", n)};
}

}  // namespace grange::test
