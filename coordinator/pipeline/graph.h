#ifndef GRANGE_COORDINATOR_PIPELINE_GRAPH_H_
#define GRANGE_COORDINATOR_PIPELINE_GRAPH_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/source_span.h"
#include "coordinator/lifecycle/job_state.h"
#include "coordinator/lifecycle/retry_policy.h"

// What a configuration compiles to: plain values, no YAML. Equal input gives equal graphs.
namespace grange::pipeline {

struct Variable {
  std::string name;
  std::string value;
  bool expand = true;  // false: its `$` are text

  friend bool operator==(const Variable&, const Variable&) = default;
};

struct Need {
  std::string job;  // name of a job of this graph
  bool artifacts = true;
  bool optional = false;

  friend bool operator==(const Need&, const Need&) = default;
};

struct AllowFailure {
  bool always = false;
  std::vector<int> exit_codes;

  friend bool operator==(const AllowFailure&, const AllowFailure&) = default;
};

struct Artifacts {
  enum class When { kOnSuccess, kOnFailure, kAlways };
  std::vector<std::string> paths;
  std::vector<std::string> exclude;
  When when = When::kOnSuccess;
  std::string name;

  friend bool operator==(const Artifacts&, const Artifacts&) = default;
};

struct JobPlan {
  std::string name;
  SourceSpan place;  // of the job's name in the file
  std::string stage;
  int stage_index = 0;  // into PipelineGraph::stages
  lifecycle::When when = lifecycle::When::kOnSuccess;
  absl::Duration start_in = absl::ZeroDuration();
  AllowFailure allow_failure;
  std::optional<std::vector<Need>> needs;                // none: stage order
  std::optional<std::vector<std::string>> dependencies;  // none: as needs, or all earlier stages
  std::vector<std::string> tags;
  std::vector<std::string> script;  // before_script and script, in order: one shell
  std::vector<std::string> after_script;
  std::vector<Variable> variables;        // global, workflow, job, rule; merged, in defined order
  std::optional<absl::Duration> timeout;  // none: the project's
  lifecycle::RetryPolicy retry;
  std::optional<Artifacts> artifacts;
  std::string coverage;  // regex, without slashes handled yet; "" none
  bool interruptible = false;
  std::string environment;
  std::string resource_group;

  friend bool operator==(const JobPlan&, const JobPlan&) = default;
};

struct PipelineGraph {
  std::string name;                 // workflow:name, or ""
  std::vector<std::string> stages;  // those that have jobs, in order, with .pre and .post
  std::vector<JobPlan> jobs;        // by stage, then in file order; only those that are in
  std::vector<Variable> variables;  // global ones

  friend bool operator==(const PipelineGraph&, const PipelineGraph&) = default;
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_GRAPH_H_
