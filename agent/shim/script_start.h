#ifndef GRANGE_AGENT_SHIM_SCRIPT_START_H_
#define GRANGE_AGENT_SHIM_SCRIPT_START_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/shim/run_spec.h"

namespace grange::shim {

struct ScriptStart {
  std::string shell;
  std::string script;
  std::vector<std::string> env;
  std::string cwd;
  int output_fd = -1;  // its stdout and stderr
  mode_t umask = 022;
  std::vector<int> cgroup_doors;  // see JobCgroup::OpenDoors()
  int cgroup_folder = -1;         // see JobCgroup::OpenFolder(); the doors are for kernels without
  std::optional<JobUser> user;    // none: as this process
  bool no_new_privs = false;      // with a user always
};

struct StartedScript {
  pid_t pid = -1;           // also its process group and session
  std::string detail = {};  // why there is no pid: one line
};

// Starts a script in a session and process group of its own, with stdin from /dev/null, default
// signal handling, no other descriptor than 0 to 2, and dying with this process. A kernel
// that runs out of memory kills it before other programs of the machine.
StartedScript StartScript(const ScriptStart& start);

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_SCRIPT_START_H_
