#ifndef GRANGE_COORDINATOR_SERVER_ASSIGNMENT_H_
#define GRANGE_COORDINATOR_SERVER_ASSIGNMENT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/id.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/server/pipeline_book.h"
#include "coordinator/session/job_spec.h"
#include "coordinator/store/store.h"

// What an agent is handed for one attempt: the compiled job, its variables in their order of
// precedence (docs/gitlab-compat.md), its sources and the artifacts of the jobs before it. Pure.
namespace grange::server {

struct AssignmentInputs {
  const PipelineFacts& facts;
  JobId job;
  AttemptNumber attempt = 0;
  std::string server_url;  // "https://host:port"
  absl::Time now;
  std::vector<store::ProjectVariable> project_variables;
  std::vector<store::ArtifactRow> artifacts;  // of this pipeline
};

// Everything but the masked project variables.
absl::StatusOr<session::JobSpec> BuildSpec(const AssignmentInputs& inputs);
// The masked ones, unless a variable of the pipeline itself stands above them.
session::StartSecrets BuildSecrets(const AssignmentInputs& inputs);

// What the compiler is told of a pipeline; also where the predefined variables come from.
pipeline::TriggerFacts ToTriggerFacts(const store::PipelineRow& row, const store::Project& project,
                                      absl::string_view server_url);

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_ASSIGNMENT_H_
