#ifndef GRANGE_AGENT_EXEC_LEFTOVERS_H_
#define GRANGE_AGENT_EXEC_LEFTOVERS_H_

#include <cstddef>
#include <string>

namespace grange::exec {

// SIGKILL to the processes of a job whose shim is dead: those in its cgroup, those in the sessions
// of its scripts, and those that carry its folder in their environment. Returns how many there
// were; repeat it until there are none, as a process may be just making another.
size_t KillLeftovers(const std::string& job_dir);

}  // namespace grange::exec

#endif  // GRANGE_AGENT_EXEC_LEFTOVERS_H_
