#include "coordinator/sweep/stray_files.h"

#include <sys/stat.h>

#include <map>
#include <optional>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"

namespace grange::sweep {
namespace {

constexpr absl::Duration kCutUploadsKept = absl::Hours(24);
constexpr int kJobsOfFolder = 1000;  // trace/trace_path.h
constexpr int kArtifactFolders = 256;

uint64_t SizeOf(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

// "812-2.trace", "812-2.trace.zst" or "812-2.trace.marks".
std::optional<store::TraceKey> KeyOf(absl::string_view name) {
  if (!absl::ConsumeSuffix(&name, ".zst")) absl::ConsumeSuffix(&name, ".marks");
  if (!absl::ConsumeSuffix(&name, ".trace")) return std::nullopt;
  const size_t dash = name.find('-');
  int64_t job = 0;
  AttemptNumber attempt = 0;
  if (dash == absl::string_view::npos || !absl::SimpleAtoi(name.substr(0, dash), &job) ||
      !absl::SimpleAtoi(name.substr(dash + 1), &attempt)) {
    return std::nullopt;
  }
  return store::TraceKey(JobId(job), attempt);
}

class Walk {
 public:
  Walk(store::Store& store, trace::TraceStore& traces, artifact::ArtifactStore& artifacts)
      : store_(store), traces_(traces), artifacts_(artifacts) {}

  // Of a thousand jobs. The files are listed before the rows are asked: each file that somebody
  // still writes has its row, or an unfinished pipeline, by then.
  absl::Status Traces(const std::string& folder, int64_t thousand) {
    GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> names, os::ListDir(folder));
    std::map<store::TraceKey, uint64_t> files;
    for (const std::string& name : names) {
      const std::optional<store::TraceKey> key = KeyOf(name);
      if (key.has_value()) files[*key] += SizeOf(os::JoinPath(folder, name));
    }
    const JobId first(thousand * kJobsOfFolder), last((thousand + 1) * kJobsOfFolder - 1);
    GRANGE_ASSIGN_OR_RETURN(const store::TracesKept kept, store_.TracesOf(first, last));
    std::vector<store::TraceSize> corrected;
    for (const store::TraceSize& trace : kept.traces) {
      const auto file = files.find(trace.key);
      const uint64_t size = file == files.end() ? 0 : file->second;
      if (file != files.end()) files.erase(file);
      if (size != trace.stored && !kept.busy.contains(trace.key.first)) {
        corrected.push_back({.key = trace.key, .stored = size});
      }
    }
    GRANGE_RETURN_IF_ERROR(store_.PutTraceSizes(corrected));
    for (const auto& [key, bytes] : files) {
      if (kept.busy.contains(key.first)) continue;
      const absl::Status removed = traces_.Remove(key.first, key.second);
      if (absl::IsFailedPrecondition(removed)) continue;  // it is open; the next start finds it
      GRANGE_RETURN_IF_ERROR(removed);
      Count(bytes);
    }
    return absl::OkStatus();
  }

  absl::Status Artifacts(int folder) {
    GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> contents, artifacts_.List(folder));
    for (const std::string& content : contents) {
      GRANGE_ASSIGN_OR_RETURN(
          const uint64_t bytes,
          artifacts_.Remove(content, [this](const std::string& c) { return store_.ContentInUse(c); }));
      if (bytes > 0) Count(bytes);
    }
    return absl::OkStatus();
  }

  absl::Status CutUploads(absl::Time now) {
    GRANGE_ASSIGN_OR_RETURN(const int removed, artifacts_.RemoveCutUploads(kCutUploadsKept, now));
    count_.files += static_cast<uint64_t>(removed);
    return absl::OkStatus();
  }

  const StrayCount& count() const { return count_; }

 private:
  void Count(uint64_t bytes) {
    ++count_.files;
    count_.bytes += bytes;
  }

  store::Store& store_;
  trace::TraceStore& traces_;
  artifact::ArtifactStore& artifacts_;
  StrayCount count_;
};

}  // namespace

absl::StatusOr<StrayCount> RemoveStrayFiles(const std::string& traces_dir, store::Store& store,
                                            trace::TraceStore& traces,
                                            artifact::ArtifactStore& artifacts, absl::Time now,
                                            absl::FunctionRef<bool()> go_on) {
  Walk walk(store, traces, artifacts);
  GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> folders, os::ListDir(traces_dir));
  for (const std::string& folder : folders) {
    int64_t thousand = 0;
    if (!absl::SimpleAtoi(folder, &thousand)) continue;
    if (!go_on()) return walk.count();
    GRANGE_RETURN_IF_ERROR(walk.Traces(os::JoinPath(traces_dir, folder), thousand));
  }
  for (int folder = 0; folder < kArtifactFolders; ++folder) {
    if (!go_on()) return walk.count();
    GRANGE_RETURN_IF_ERROR(walk.Artifacts(folder));
  }
  GRANGE_RETURN_IF_ERROR(walk.CutUploads(now));
  return walk.count();
}

}  // namespace grange::sweep
