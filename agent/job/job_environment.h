#ifndef GRANGE_AGENT_JOB_JOB_ENVIRONMENT_H_
#define GRANGE_AGENT_JOB_JOB_ENVIRONMENT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/job/job_spec.h"
#include "common/base/id.h"
#include "common/base/secret.h"

namespace grange::job {

// What the agent knows about itself and the place where the job runs.
struct JobPlace {
  Assignment assignment;
  AgentId agent;
  std::string agent_name;
  std::vector<std::string> agent_tags;
  std::string server;  // the coordinator's address
  int slot = 0;
  std::string project_dir;  // the job's working directory
  std::string builds_dir;   // the folder above the work trees
  std::string files_dir;    // private; file variables go there
  // "NAME=value" of the agent's own process; only a few names of it are handed on.
  std::vector<std::string> agent_environment;
};

// A file that must exist, with mode 0600, before the script starts.
struct VariableFile {
  std::string path;
  Secret content;
};

struct JobEnvironment {
  std::vector<std::string> variables;  // "NAME=value", each name once, secrets included
  std::vector<VariableFile> files;
  std::vector<std::string> masks;  // never empty ones; each once
};

// Builds the environment of a job. Later ones win: PATH, HOME, USER, LOGNAME, SHELL, LANG, TZ of
// the agent; what the agent knows (CI_PROJECT_DIR, CI_RUNNER_…); the spec's variables; the
// secrets. Then values that name others are expanded once, the content of file variables too,
// unless they are raw.
//
// kInvalidArgument for a name that a shell can't hold, a NUL, a circle, or a value that no process
// can be given (over 128 KiB, or 1 MiB together), each naming the variable and what to do.
absl::StatusOr<JobEnvironment> BuildJobEnvironment(const JobSpec& spec, const JobSecrets& secrets,
                                                   const JobPlace& place);

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_JOB_ENVIRONMENT_H_
