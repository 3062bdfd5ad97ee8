#ifndef GRANGE_AGENT_SHIM_SCRIPT_START_H_
#define GRANGE_AGENT_SHIM_SCRIPT_START_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace grange::shim {

struct ScriptStart {
  std::string shell;
  std::string script;
  std::vector<std::string> env;
  std::string cwd;
  int output_fd = -1;  // its stdout and stderr
  mode_t umask = 022;
};

struct StartedScript {
  pid_t pid = -1;           // also its process group and session
  std::string detail = {};  // why there is no pid: one line
};

// Starts a script in a session and process group of its own, with stdin from /dev/null, default
// signal handling, no other descriptor than 0 to 2, and dying with this process.
StartedScript StartScript(const ScriptStart& start);

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_SCRIPT_START_H_
