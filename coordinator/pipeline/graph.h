#ifndef GRANGE_COORDINATOR_PIPELINE_GRAPH_H_
#define GRANGE_COORDINATOR_PIPELINE_GRAPH_H_

#include <optional>
#include <string>
#include <utility>
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

// A value as it is written in the file, which only those who carry it out understand: compact JSON,
// keys in file order, plain scalars with their YAML type. "" where it is not written.
struct Written {
  std::string json;

  friend bool operator==(const Written&, const Written&) = default;
};

// A job of another pipeline: `needs:pipeline` or `needs:project`. "" where not said.
struct ExternalNeed {
  std::string pipeline;
  std::string project;
  std::string job;
  std::string ref;
  bool artifacts = true;
  bool optional = false;

  friend bool operator==(const ExternalNeed&, const ExternalNeed&) = default;
};

struct Artifacts {
  enum class When { kOnSuccess, kOnFailure, kAlways };
  std::vector<std::string> paths;
  std::vector<std::string> exclude;
  bool untracked = false;
  When when = When::kOnSuccess;
  std::string name;
  std::optional<absl::Duration> expire_in;  // infinite: never; none: the project's
  std::string expose_as;
  std::string access;  // all, developer, maintainer, none; "" not said
  // The paths of each report by its keyword, in file order; of coverage_report in Coverage.
  std::vector<std::pair<std::string, std::vector<std::string>>> reports;
  struct Coverage {
    std::string format;  // cobertura or jacoco
    std::string path;

    friend bool operator==(const Coverage&, const Coverage&) = default;
  };
  std::optional<Coverage> coverage_report;

  friend bool operator==(const Artifacts&, const Artifacts&) = default;
};

// A container image; also the part of a service that is one. Variables are the agent's to replace.
struct Image {
  std::string name;
  std::optional<std::vector<std::string>> entrypoint;
  std::vector<std::string> pull_policy;  // to be tried in this order; empty: the agent's
  Written docker;
  Written kubernetes;

  friend bool operator==(const Image&, const Image&) = default;
};

struct Service {
  Image image;
  std::string alias;  // several names are separated by blanks or commas; "" from the image's name
  std::optional<std::vector<std::string>> command;
  std::vector<Variable> variables;

  friend bool operator==(const Service&, const Service&) = default;
};

struct Cache {
  enum class When { kOnSuccess, kOnFailure, kAlways };
  std::string key = "default";             // unused with `files` or `files_commits`
  std::vector<std::string> files;          // key:files
  std::vector<std::string> files_commits;  // key:files_commits
  std::string prefix;
  std::vector<std::string> paths;
  bool untracked = false;
  bool unprotect = false;
  std::string policy = "pull-push";  // pull, push, pull-push, or text with a variable
  When when = When::kOnSuccess;
  std::vector<std::string> fallback_keys;

  friend bool operator==(const Cache&, const Cache&) = default;
};

struct SecretSource {
  std::string name;      // of the variable
  std::string provider;  // "vault" and so on
  Written settings;
  bool file = true;
  std::string token;

  friend bool operator==(const SecretSource&, const SecretSource&) = default;
};

struct IdToken {
  std::string name;  // of the variable
  std::vector<std::string> audiences;

  friend bool operator==(const IdToken&, const IdToken&) = default;
};

// One entry of `run`.
struct RunStep {
  std::string name;
  std::string script;
  std::vector<Variable> env;

  friend bool operator==(const RunStep&, const RunStep&) = default;
};

// A value that a person may give when the job is started by hand.
struct JobInput {
  std::string name;
  std::string type = "string";
  Written default_value;
  Written options;
  std::string regex;
  std::string description;

  friend bool operator==(const JobInput&, const JobInput&) = default;
};

// What a job without a script starts: a pipeline of another project, or a child pipeline.
struct Downstream {
  std::string project;
  std::string branch;
  std::vector<Written> include;  // maps; a text is {"local": text}
  std::string strategy;          // depend, mirror, or "" for none
  bool forward_yaml_variables = true;
  bool forward_pipeline_variables = false;
  Written inputs;

  friend bool operator==(const Downstream&, const Downstream&) = default;
};

// `environment`, beside its name.
struct EnvironmentDetails {
  std::string url;
  std::string action = "start";
  std::string tier;
  std::string on_stop;
  std::optional<absl::Duration> auto_stop_in;
  Written kubernetes;

  friend bool operator==(const EnvironmentDetails&, const EnvironmentDetails&) = default;
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
  std::optional<EnvironmentDetails> environment_details;  // set if `environment` is
  std::string resource_group;
  std::vector<ExternalNeed> needs_external;
  std::optional<Image> image;
  std::vector<Service> services;
  std::vector<Cache> caches;
  std::vector<std::string> pre_get_sources_script;  // hooks
  std::vector<SecretSource> secrets;
  std::vector<IdToken> id_tokens;
  std::string identity;
  Written release;
  std::vector<RunStep> run;  // instead of `script`
  std::string manual_confirmation;
  std::vector<JobInput> inputs;
  std::optional<Downstream> trigger;  // instead of `script`

  friend bool operator==(const JobPlan&, const JobPlan&) = default;
};

// `workflow:auto_cancel`.
struct AutoCancel {
  std::string on_new_commit = "conservative";  // or interruptible, none
  std::string on_job_failure = "none";         // or all

  friend bool operator==(const AutoCancel&, const AutoCancel&) = default;
};

struct PipelineGraph {
  std::string name;  // workflow:name, or ""
  AutoCancel auto_cancel;
  std::vector<std::string> stages;  // those that have jobs, in order, with .pre and .post
  std::vector<JobPlan> jobs;        // by stage, then in file order; only those that are in
  std::vector<Variable> variables;  // global ones

  friend bool operator==(const PipelineGraph&, const PipelineGraph&) = default;
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_GRAPH_H_
