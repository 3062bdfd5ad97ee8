#ifndef GRANGE_COORDINATOR_TRACE_TRACE_PATH_H_
#define GRANGE_COORDINATOR_TRACE_TRACE_PATH_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/id.h"

// Where a trace lies (docs/formats/trace-file.md). Pure.
namespace grange::trace {

// A thousand jobs share a folder.
inline std::string FolderOf(absl::string_view dir, JobId job) {
  return absl::StrCat(dir, "/", job.value() / 1000);
}
// The bytes as they came.
inline std::string PathOf(absl::string_view dir, JobId job, AttemptNumber attempt) {
  return absl::StrCat(FolderOf(dir, job), "/", job.value(), "-", attempt, ".trace");
}
// The same bytes, compressed; made when the trace is complete.
inline std::string CompressedPathOf(absl::string_view dir, JobId job, AttemptNumber attempt) {
  return absl::StrCat(PathOf(dir, job, attempt), ".zst");
}

// What is known of them beside; there is none for a trace without marks.
inline std::string MarksPathOf(absl::string_view dir, JobId job, AttemptNumber attempt) {
  return absl::StrCat(PathOf(dir, job, attempt), ".marks");
}

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_TRACE_PATH_H_
