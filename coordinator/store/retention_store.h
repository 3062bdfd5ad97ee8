#ifndef GRANGE_COORDINATOR_STORE_RETENTION_STORE_H_
#define GRANGE_COORDINATOR_STORE_RETENTION_STORE_H_

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/id.h"
#include "coordinator/retention/decide.h"

// What the sweeper needs of the store (coordinator/sweep): rows of what may go, and its removal in
// transactions that are small enough that nobody waits for them.
namespace grange::store {

using TraceKey = std::pair<JobId, AttemptNumber>;

// Files that no row wants any more.
struct UnwantedFiles {
  std::vector<TraceKey> traces;
  std::vector<std::string> contents;  // of artifacts, by SHA-256; ask ContentInUse() once more
  std::vector<std::string> marked;    // the artifacts' ids
};

struct PipelineRemoval {
  PipelineId id;
  std::string limit;  // that it has passed
};
struct RemovedPipelines {
  std::vector<PipelineId> done;  // nothing of them is left to do
  std::vector<PipelineId> gone;  // of these: all of their rows are gone
  UnwantedFiles files;           // of these, and of the jobs of the next one that are gone
};

// What there is of one kind in one project, or (`project` unset) of the coordinator itself. Kept up
// to date by the transactions that change it, so that reading it costs nothing.
struct UsageRow {
  std::string kind;
  ProjectId project;
  std::string project_name;  // read only
  uint64_t count = 0;
  uint64_t bytes = 0;
  absl::Time oldest = absl::InfinitePast();  // as the last sweep saw it; InfinitePast: none
  // Of the last sweep that removed something.
  absl::Time swept_at = absl::InfinitePast();
  uint64_t swept_count = 0;
  uint64_t swept_bytes = 0;
};

struct TraceSize {
  TraceKey key;
  uint64_t stored = 0;  // bytes on the disk
};
// Of a range of jobs.
struct TracesKept {
  std::set<JobId> busy;  // their pipelines aren't finished: files may come before their rows
  std::vector<TraceSize> traces;  // that are there, by key
};

struct DatabaseSize {
  uint64_t bytes = 0;
  uint64_t free = 0;  // of these: for new rows
};

// Part of Store; as thread-safe, with the same errors.
class RetentionStore {
 public:
  virtual ~RetentionStore() = default;

  virtual absl::StatusOr<retention::Stock> RetentionStock() = 0;

  // One transaction: takes the rows of these pipelines away, in this order, until about `jobs_max`
  // jobs are gone; the rest is for the next call. One that isn't finished any more, is pinned or
  // isn't there counts as done without being touched. From the first call on that names a pipeline
  // GetPipeline() and GetJob() say when it was removed and by which limit.
  virtual absl::StatusOr<RemovedPipelines> RemovePipelines(
      const std::vector<PipelineRemoval>& removals, absl::Time at, int jobs_max) = 0;
  // Those that a crash left half removed.
  virtual absl::StatusOr<std::vector<PipelineRemoval>> HalfRemovedPipelines() = 0;

  // One transaction each: the rows stay and say when their file was removed and by which limit.
  // What belongs to a pipeline that isn't finished any more, or is pinned, is left alone. Returns
  // whose files may go.
  virtual absl::StatusOr<UnwantedFiles> MarkTracesRemoved(const std::vector<TraceKey>& traces,
                                                          const std::string& limit,
                                                          absl::Time at) = 0;
  virtual absl::StatusOr<UnwantedFiles> MarkArtifactsRemoved(const std::vector<std::string>& ids,
                                                             const std::string& limit,
                                                             absl::Time at) = 0;

  // The commits of all pipelines of a project that are there, in whatever state.
  virtual absl::StatusOr<std::set<std::string>> CommitsOf(ProjectId project) = 0;

  virtual absl::StatusOr<bool> ContentInUse(const std::string& sha256) = 0;
  virtual absl::StatusOr<TracesKept> TracesOf(JobId first, JobId last) = 0;
  // Corrects what the rows say of the files' sizes.
  virtual absl::Status PutTraceSizes(const std::vector<TraceSize>& sizes) = 0;

  // Entries of the audit log from before `before`.
  virtual absl::StatusOr<UsageRow> AuditBefore(absl::Time before) = 0;
  // Takes up to `rows_max` of the oldest away: entries of the audit log from before `before`, and
  // the notes of removed pipelines with them; then, while it has more than `bytes_max`, more.
  // Returns how many entries went.
  virtual absl::StatusOr<uint64_t> RemoveAudit(absl::Time before, uint64_t bytes_max,
                                               int rows_max) = 0;
  // Those that count no more. Returns how many went.
  virtual absl::StatusOr<uint64_t> RemoveRequestKeys(int rows_max) = 0;

  // By kind, then project.
  virtual absl::StatusOr<std::vector<UsageRow>> ReadUsage() = 0;
  // The oldest, and what a sweep has removed (`swept_at` of InfinitePast: nothing).
  virtual absl::Status PutSwept(const std::vector<UsageRow>& rows) = 0;
  virtual absl::StatusOr<DatabaseSize> ReadDatabaseSize() = 0;
};

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_RETENTION_STORE_H_
