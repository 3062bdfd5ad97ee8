#include "coordinator/store/sealed_text.h"

#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace grange::store {
namespace {

std::string PlanIdentity(JobId job) { return absl::StrCat("plan of job ", job.value()); }
std::string VariablesIdentity(PipelineId pipeline) {
  return absl::StrCat("variables of pipeline ", pipeline.value());
}

absl::StatusOr<std::string> OpenText(const Sealer& sealer, absl::string_view stored,
                                     const std::string& identity) {
  const absl::StatusOr<Secret> opened = sealer.Open(stored, identity);
  if (!opened.ok()) return Annotate(opened.status(), identity);
  return std::string(opened->Open());
}

// Reads some rows whose column isn't sealed yet; then writes them: a statement that is being read
// would see what the other writes.
absl::StatusOr<bool> SealSome(Connection& connection, const char* select, const char* update,
                              const std::function<std::string(int64_t, std::string)>& seal) {
  std::vector<std::pair<int64_t, std::string>> rows;
  {
    Statement statement = connection.Prepare(select);
    while (true) {
      GRANGE_ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) break;
      rows.emplace_back(statement.Int(0), statement.Bytes(1));
    }
  }
  for (auto& [id, text] : rows) {
    GRANGE_RETURN_IF_ERROR(
        connection.Prepare(update).Bind(seal(id, std::move(text)), id).Run());
  }
  return !rows.empty();
}

}  // namespace

std::string SealPlan(const Sealer& sealer, JobId job, absl::string_view plan) {
  return sealer.Seal(Secret(std::string(plan)), PlanIdentity(job));
}

absl::StatusOr<std::string> OpenPlan(const Sealer& sealer, JobId job, absl::string_view stored) {
  return OpenText(sealer, stored, PlanIdentity(job));
}

std::string SealVariables(const Sealer& sealer, PipelineId pipeline, absl::string_view text) {
  if (text.empty()) return "";
  return sealer.Seal(Secret(std::string(text)), VariablesIdentity(pipeline));
}

absl::StatusOr<std::string> OpenVariables(const Sealer& sealer, PipelineId pipeline,
                                          absl::string_view stored) {
  if (stored.empty()) return std::string();
  return OpenText(sealer, stored, VariablesIdentity(pipeline));
}

absl::Status SealOlderRows(Connection& connection, const Sealer& sealer) {
  GRANGE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(connection));
  for (bool more = true; more;) {
    GRANGE_ASSIGN_OR_RETURN(
        more, SealSome(connection,
                       "SELECT job, plan FROM job_plans WHERE substr(plan, 1, 1) <> x'01' "
                       "LIMIT 1000",
                       "UPDATE job_plans SET plan = ? WHERE job = ?",
                       [&](int64_t id, const std::string& text) {
                         return SealPlan(sealer, JobId(id), text);
                       }));
  }
  for (bool more = true; more;) {
    GRANGE_ASSIGN_OR_RETURN(
        more, SealSome(connection,
                       "SELECT id, variables FROM pipelines WHERE length(variables) > 0 AND "
                       "substr(variables, 1, 1) <> x'01' LIMIT 1000",
                       "UPDATE pipelines SET variables = ? WHERE id = ?",
                       [&](int64_t id, const std::string& text) {
                         return SealVariables(sealer, PipelineId(id), text);
                       }));
  }
  return transaction.Commit();
}

}  // namespace grange::store
