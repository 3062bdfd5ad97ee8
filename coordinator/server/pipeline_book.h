#ifndef GRANGE_COORDINATOR_SERVER_PIPELINE_BOOK_H_
#define GRANGE_COORDINATOR_SERVER_PIPELINE_BOOK_H_

#include <map>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/base/id.h"
#include "common/base/mutex.h"
#include "coordinator/pipeline/graph.h"
#include "coordinator/schedule/event.h"
#include "coordinator/store/store.h"

namespace grange::server {

// What never changes about a pipeline once it is stored: shared by whoever needs it.
struct PipelineFacts {
  store::PipelineRow row;
  store::Project project;  // settings as they were when it was last read
  std::map<JobId, pipeline::JobPlan> plans;
};

// The facts of pipelines that are not final, read from the store when they are missing.
// Thread-safe.
class PipelineBook {
 public:
  explicit PipelineBook(store::Store& store) : store_(store) {}

  absl::StatusOr<std::shared_ptr<const PipelineFacts>> Get(PipelineId pipeline)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<std::shared_ptr<const PipelineFacts>> GetByJob(JobId job) ABSL_LOCKS_EXCLUDED(mu_);
  // Of a new pipeline, whose rows are durable: nobody has to read them again.
  void Put(PipelineFacts facts) ABSL_LOCKS_EXCLUDED(mu_);
  void Forget(PipelineId pipeline) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  std::shared_ptr<const PipelineFacts> Keep(PipelineFacts facts) ABSL_LOCKS_EXCLUDED(mu_);

  store::Store& store_;
  base::Mutex mu_;
  absl::flat_hash_map<PipelineId, std::shared_ptr<const PipelineFacts>> facts_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<JobId, PipelineId> by_job_ ABSL_GUARDED_BY(mu_);
};

// kDataLoss if a job's row can't be read.
absl::StatusOr<PipelineFacts> FactsOf(const store::PipelineRow& row, const store::Project& project,
                                      const std::vector<store::JobRow>& jobs);

// What the scheduler is told of a pipeline, as far as its jobs have come. `facts` has a plan for
// each of `jobs`; `variables` are its project's.
schedule::PipelineAdded ToEvent(const PipelineFacts& facts, const std::vector<store::JobRow>& jobs,
                                const std::vector<store::ProjectVariable>& variables);

// How the farm treats a job whose agent is away: GRANGE_ON_DISCONNECT of the job, else the
// project's setting, else keep.
bool StopsOnDisconnect(const pipeline::JobPlan& plan,
                       const std::map<std::string, std::string>& settings);

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_PIPELINE_BOOK_H_
