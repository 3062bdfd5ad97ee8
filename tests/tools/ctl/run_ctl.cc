#include "run_ctl.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "absl/strings/str_cat.h"
#include "common/os/child.h"

namespace grange::ctl {

std::string CtlPath() { return absl::StrCat(GRANGE_BIN_DIR, "/grangectl"); }

CtlRun RunCtl(std::vector<std::string> args, const CtlSetup& setup) {
  os::ChildOptions options;
  options.argv = {CtlPath()};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  options.env = std::vector<std::string>{absl::StrCat("PATH=", ::getenv("PATH")), "TZ=UTC",
                                         "HOME=/nonexistent", "GIT_CONFIG_GLOBAL=/dev/null"};
  // What a sanitizer of the program is told.
  for (const std::string name : {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* const value = ::getenv(name.c_str()); value != nullptr) {
      options.env->push_back(name + "=" + value);
    }
  }
  options.env->insert(options.env->end(), setup.environment.begin(), setup.environment.end());
  options.cwd = setup.cwd;
  const absl::StatusOr<os::RunResult> result = os::Run(options, setup.input, absl::Minutes(1));
  EXPECT_TRUE(result.ok()) << result.status();
  if (!result.ok()) return {};
  return {.exit_code = result->status.exit_code, .out = result->out, .err = result->err};
}

}  // namespace grange::ctl
