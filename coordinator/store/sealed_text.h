#ifndef GRANGE_COORDINATOR_STORE_SEALED_TEXT_H_
#define GRANGE_COORDINATOR_STORE_SEALED_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/id.h"
#include "coordinator/store/connection.h"
#include "coordinator/store/sealer.h"

// Columns with values that people gave to a submit: a pipeline's variables, and the plan of a job,
// where they have been put in. Sealed, so that a stolen database shows none (T5).
namespace grange::store {

std::string SealPlan(const Sealer& sealer, JobId job, absl::string_view plan);
absl::StatusOr<std::string> OpenPlan(const Sealer& sealer, JobId job, absl::string_view stored);

std::string SealVariables(const Sealer& sealer, PipelineId pipeline, absl::string_view text);
absl::StatusOr<std::string> OpenVariables(const Sealer& sealer, PipelineId pipeline,
                                          absl::string_view stored);

// Seals what an older program has left open. Free pages still have it (file_upgrade.h).
absl::Status SealOlderRows(Connection& connection, const Sealer& sealer);

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_SEALED_TEXT_H_
