#ifndef GRANGE_TESTS_TOOLS_CTL_RUN_CTL_H_
#define GRANGE_TESTS_TOOLS_CTL_RUN_CTL_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace grange::ctl {

struct CtlRun {
  int exit_code = -1;
  std::string out;
  std::string err;
  nlohmann::json json() const { return nlohmann::json::parse(out, nullptr, false); }
};

struct CtlSetup {
  std::string cwd = {};
  std::vector<std::string> environment = {};  // added to a clean one without a home
  std::string input = {};
};

// Runs the grangectl of this build to its end.
CtlRun RunCtl(std::vector<std::string> args, const CtlSetup& setup = {});

// The path of that grangectl.
std::string CtlPath();

}  // namespace grange::ctl

#endif  // GRANGE_TESTS_TOOLS_CTL_RUN_CTL_H_
