#ifndef GRANGE_COORDINATOR_SESSION_JOB_SPEC_H_
#define GRANGE_COORDINATOR_SESSION_JOB_SPEC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id.h"
#include "common/base/secret.h"
#include "coordinator/lifecycle/failure_reason.h"
#include "coordinator/schedule/event.h"
#include "coordinator/trace/trace_store.h"

// What agents are told and tell, in the words of the domain: the codec makes messages of it.
namespace grange::session {

struct SpecVariable {
  std::string name;
  std::string value;
  bool file = false;
  bool raw = false;  // its `$` are text
};

struct SecretVariable {
  std::string name;
  Secret value;
  bool file = false;
  bool masked = true;
};

struct ArtifactSource {
  JobId job;
  AttemptNumber attempt = 0;
  std::string job_name;
  std::string artifact_id;
  uint64_t size = 0;
  std::string sha256;
};

struct ArtifactTarget {
  enum class When { kOnSuccess, kOnFailure, kAlways };
  std::vector<std::string> paths, exclude;
  When when = When::kOnSuccess;
  std::string name;
};

// All that an agent needs to run one attempt, without secrets.
struct JobSpec {
  enum class Strategy { kClone, kFetch, kNone };

  std::string project;
  ProjectId project_id;
  PipelineId pipeline;
  std::string name, stage;
  std::vector<std::string> script, after_script;
  std::vector<SpecVariable> variables;  // in the order in which they are set
  std::string sha, ref_name;
  bool is_tag = false;
  Strategy strategy = Strategy::kFetch;
  int depth = 20;
  std::vector<ArtifactSource> artifacts_in;
  std::optional<ArtifactTarget> artifacts_out;
  absl::Duration timeout = absl::Hours(1);
  absl::Duration after_script_timeout = absl::Minutes(5);
  uint64_t trace_limit_bytes = 100 << 20;
  bool stop_on_disconnect = false;
  std::vector<std::string> tags;
  bool fail_at_trace_limit = false;  // else what is beyond is dropped
  uint64_t memory_limit_bytes = 0;  // 0: the agent's own
  uint64_t pids_limit = 0;          // 0: the agent's own
};

struct StartSecrets {
  std::vector<SecretVariable> variables;
};

// The end of an attempt as its agent tells it, once its trace is durable here.
struct JobResult {
  AgentId agent;
  schedule::SessionId session;
  Assignment assignment;
  lifecycle::FailureReason reason = lifecycle::FailureReason::kNone;
  int exit_code = 0;
  uint64_t dropped_bytes = 0;
  std::string detail;
  std::string artifact_id;
  absl::Duration cpu = absl::ZeroDuration();  // of all processes of the job
  uint64_t max_rss_bytes = 0;                 // of the largest one
  // Unset if the attempt is not this agent's any more: then only the scheduler looks at it.
  std::optional<trace::TraceStore::End> trace;
};

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_JOB_SPEC_H_
