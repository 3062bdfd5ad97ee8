#ifndef GRANGE_AGENT_JOB_JOB_SPEC_H_
#define GRANGE_AGENT_JOB_JOB_SPEC_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/exec/job_cgroups.h"
#include "agent/workspace/sources.h"
#include "common/base/id.h"
#include "common/base/secret.h"

// What an agent must know to run one attempt, free of the wire's types. agent/session makes it from
// proto/grange/v1/job.proto.
namespace grange::job {

struct Variable {
  std::string name;
  std::string value;
  bool file = false;  // the value goes to a private file, the variable is its path
  bool raw = false;   // `$` in the value is text
};

// A variable that only lives in memory: it came with the start, not with the offer.
struct SecretVariable {
  std::string name;
  Secret value;
  bool file = false;
  bool raw = false;
  bool masked = false;
};

// Artifacts of another job of the pipeline, laid into the work tree before the script.
struct ArtifactInput {
  std::string job_name;
  std::string artifact_id;
  uint64_t size = 0;
  std::string sha256;  // 32 bytes; empty: not checked
};

struct ArtifactOutput {
  enum class When { kOnSuccess, kOnFailure, kAlways };
  std::vector<std::string> paths;  // none: the job has no artifacts
  std::vector<std::string> exclude;
  When when = When::kOnSuccess;
  std::string name;
};

struct JobSpec {
  std::string project;
  PipelineId pipeline;
  std::string name;
  std::string stage;
  std::vector<std::string> script;
  std::vector<std::string> after_script;
  std::vector<Variable> variables;  // later ones win
  workspace::Sources sources;
  std::vector<ArtifactInput> artifacts_in;
  ArtifactOutput artifacts_out;
  absl::Duration timeout = absl::Hours(1);
  absl::Duration after_script_timeout = absl::Minutes(5);
  uint64_t trace_limit_bytes = 100 << 20;
  bool stop_on_disconnect = false;
  bool fail_at_trace_limit = false;
  exec::JobLimits limits;  // what it asks for
};

// What comes with the start and is never written down.
struct JobSecrets {
  std::vector<SecretVariable> variables;  // set after the spec's
  std::vector<Secret> masks;              // further values that never reach a trace
};

}  // namespace grange::job

#endif  // GRANGE_AGENT_JOB_JOB_SPEC_H_
