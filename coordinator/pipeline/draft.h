#ifndef GRANGE_COORDINATOR_PIPELINE_DRAFT_H_
#define GRANGE_COORDINATOR_PIPELINE_DRAFT_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/config/value.h"
#include "coordinator/pipeline/expression.h"
#include "coordinator/pipeline/graph.h"
#include "coordinator/pipeline/pattern.h"

// What the keywords of a file say, each in its own type but not yet compared with each other or
// with the trigger's facts. A field that is not set was not written.
namespace grange::pipeline {

// A name and where it stands.
struct Named {
  std::string name;
  config::Place place;
};

// A keyword of which the farm has to say something when it is used: Support::kLater or kInert.
struct KeywordUse {
  std::string keyword;  // with what it stands in: "artifacts:reports"
  std::string owner;    // the keyword of the job, or of the file, in which it stands: "artifacts"
  config::Place place;
};

// Where a keyword of a job was written.
struct Origin {
  std::string keyword;
  config::Place place;        // of its key
  bool from_default = false;  // in `default`, or in its old form at the top of the file
};

// The variables of one instance of a job with `parallel:matrix`, in file order.
using MatrixRow = std::vector<Variable>;

// `parallel`: a number of instances, or one for each row of a matrix.
struct Parallel {
  config::Place place;
  int count = 0;
  std::vector<MatrixRow> matrix;  // not empty: `count` is its size
};

struct NeedDraft {
  Need need;
  config::Place place;
  std::vector<MatrixRow> matrix;  // `parallel:matrix`: these instances only
};

struct ExternalNeedDraft {
  ExternalNeed need;  // variables in it not yet expanded
  config::Place place;
};

// `changes` or `exists`: holds if one of the patterns matches one of the files.
struct PathCondition {
  config::Place place;
  std::vector<std::string> globs;        // variables in them not yet expanded
  std::shared_ptr<const Pattern> regex;  // instead of the globs, if set
  std::string compare_to;                // of `changes`; "" what the ref had before
  std::string project;                   // of `exists`: whose files; "" this one's
  std::string ref;                       // of that project
};

// One entry of `rules` or `workflow:rules`.
struct Rule {
  config::Place place;
  std::shared_ptr<const Expression> condition;  // shared with the cache; none: always matches
  std::optional<PathCondition> changes;
  std::optional<PathCondition> exists;
  bool never = false;  // when: never
  std::optional<lifecycle::When> when;
  std::optional<absl::Duration> start_in;
  std::optional<AllowFailure> allow_failure;
  std::optional<bool> interruptible;
  std::optional<std::vector<NeedDraft>> needs;  // instead of the job's
  std::vector<Variable> variables;
  std::optional<AutoCancel> auto_cancel;  // of `workflow:rules`
};

// `only` or `except`. Within a list one entry is enough.
struct Filter {
  struct Ref {
    std::string text;                        // as written
    std::string name;                        // without "@group/project"
    std::string project;                     // after the "@", or ""
    std::shared_ptr<const Pattern> pattern;  // if it is a /regex/; shared with the cache
  };
  config::Place place;
  bool has_refs = false;
  std::vector<Ref> refs;
  bool has_variables = false;
  std::vector<std::shared_ptr<const Expression>> variables;  // shared with the cache
  std::optional<PathCondition> changes;
  bool has_kubernetes = false;  // no job has a cluster: `only` never holds, `except` neither
};

// `environment`: what the job deploys to.
struct Environment {
  config::Place place;
  std::string name;
  std::string url;     // variables in it are known to the agent only
  std::string action;  // "start" and so on
  std::string tier;    // "" to go by the name
  std::optional<Named> on_stop;
  std::optional<Named> auto_stop_in;  // variables in it not yet expanded
  Written kubernetes;
};

// `inherit`: what a job takes over.
struct Inherit {
  bool all_defaults = true;
  std::vector<std::string> defaults;  // names of keywords, if not all
  bool all_variables = true;
  std::vector<std::string> variables;  // if not all
};

// A job, or `default` with the old top-level forms of its keywords.
struct JobDraft {
  std::string name;
  config::Place place;
  bool broken = false;  // an error about it was reported that makes further checks pointless
  std::vector<KeywordUse> later;  // what it has that can't be run yet
  std::vector<Origin> origins;    // of each keyword that it has, in the order of the file

  std::optional<Named> stage;
  std::optional<std::vector<std::string>> script;
  std::optional<std::vector<std::string>> before_script;
  std::optional<std::vector<std::string>> after_script;
  std::vector<Variable> variables;
  std::optional<std::vector<Rule>> rules;
  config::Place rules_place;
  std::optional<Filter> only;
  std::optional<Filter> except;
  std::optional<lifecycle::When> when;
  config::Place when_place;
  std::optional<absl::Duration> start_in;
  config::Place start_in_place;
  std::optional<AllowFailure> allow_failure;
  std::optional<std::vector<NeedDraft>> needs;
  config::Place needs_place;
  std::vector<ExternalNeedDraft> external_needs;
  bool mirrors_pipeline = false;  // one of them is `needs:pipeline` alone
  std::optional<std::vector<Named>> dependencies;
  std::optional<std::vector<std::string>> tags;
  std::optional<absl::Duration> timeout;
  std::optional<lifecycle::RetryPolicy> retry;
  std::optional<Parallel> parallel;
  std::optional<Environment> environment;
  std::optional<Artifacts> artifacts;
  std::optional<std::string> coverage;
  std::optional<bool> interruptible;
  std::optional<Image> image;
  std::optional<std::vector<Service>> services;
  std::optional<std::vector<Cache>> caches;
  std::optional<std::vector<std::string>> pre_get_sources_script;  // hooks
  std::optional<std::vector<SecretSource>> secrets;
  std::optional<std::vector<IdToken>> id_tokens;
  std::optional<std::string> identity;
  std::optional<Written> release;
  std::optional<std::vector<RunStep>> run;
  std::optional<Downstream> trigger;
  std::optional<Named> resource_group;
  std::optional<std::vector<JobInput>> inputs;
  std::optional<std::string> manual_confirmation;
  Inherit inherit;

  // A job that starts or mirrors another pipeline: it has no script, and no agent runs it.
  bool IsBridge() const { return trigger.has_value() || mirrors_pipeline; }
};

// A whole file.
struct FileDraft {
  std::optional<std::vector<Named>> stages;
  std::vector<Variable> variables;
  JobDraft defaults;
  bool has_workflow_rules = false;
  std::vector<Rule> workflow_rules;
  std::string workflow_name;
  std::optional<AutoCancel> auto_cancel;
  std::vector<KeywordUse> later;  // what it has outside of jobs that can't be acted on yet
  std::vector<JobDraft> jobs;     // visible ones, in file order
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_DRAFT_H_
