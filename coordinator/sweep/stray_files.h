#ifndef GRANGE_COORDINATOR_SWEEP_STRAY_FILES_H_
#define GRANGE_COORDINATOR_SWEEP_STRAY_FILES_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/artifact/artifact_store.h"
#include "coordinator/store/store.h"
#include "coordinator/trace/trace_store.h"

namespace grange::sweep {

struct StrayCount {
  uint64_t files = 0;
  uint64_t bytes = 0;
};

// Removes files that no row wants, as a crash between a row's removal and its file's leaves them,
// and uploads that were cut and not gone on with for a day; corrects what the rows say of the sizes
// of traces. Files of pipelines that aren't finished, and of uploads that are under way, stay.
// Walks all files: for the start and once a day. `go_on` is asked now and then; false ends it early.
absl::StatusOr<StrayCount> RemoveStrayFiles(const std::string& traces_dir, store::Store& store,
                                            trace::TraceStore& traces,
                                            artifact::ArtifactStore& artifacts, absl::Time now,
                                            absl::FunctionRef<bool()> go_on);

}  // namespace grange::sweep

#endif  // GRANGE_COORDINATOR_SWEEP_STRAY_FILES_H_
