#ifndef GRANGE_COORDINATOR_RETENTION_LIMITS_H_
#define GRANGE_COORDINATOR_RETENTION_LIMITS_H_

#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/id.h"

// How long and how much of each kind of thing is kept. Pure.
namespace grange::retention {

// What has a limit. The names are those of `grangectl usage` and of the settings.
enum class Kind { kPipelines, kTraces, kArtifacts, kMirrors, kAudit };
absl::string_view KindName(Kind kind);

inline constexpr uint64_t kNoBytesLimit = std::numeric_limits<uint64_t>::max();

// Either one is enough to be removed.
struct Limit {
  absl::Duration age = absl::InfiniteDuration();
  uint64_t bytes = kNoBytesLimit;

  friend bool operator==(const Limit&, const Limit&) = default;
};

// Of what belongs to projects.
struct Limits {
  Limit pipelines{.age = absl::Hours(365 * 24)};
  Limit traces{.age = absl::Hours(90 * 24)};
  Limit artifacts{.age = absl::Hours(30 * 24)};  // without an expire_in of their own
  Limit mirrors{.age = absl::Hours(30 * 24)};    // commits that no pipeline has any more

  const Limit& Of(Kind kind) const;

  friend bool operator==(const Limits&, const Limits&) = default;
};

struct Policy {
  // The ages hold for each project that says nothing else, the sizes for all projects together.
  Limits farm;
  // Of projects with settings of their own; their ages are complete, their sizes count for the
  // project alone.
  std::map<ProjectId, Limits> projects;

  // Of one project: the size is none where it has none of its own.
  Limit Of(Kind kind, ProjectId project) const;
};

// "90 days", "12 hours", as text::ParseDuration() takes it; "forever". At least a second.
absl::StatusOr<absl::Duration> ParseAge(absl::string_view text);
// "500 MiB", "20GB", "1048576"; "unlimited". At least 1 MiB.
absl::StatusOr<uint64_t> ParseBytes(absl::string_view text);
std::string AgeText(absl::Duration age);  // "90 days"
std::string BytesText(uint64_t bytes);    // "500 MiB"

// Whether `name` is a setting of a project here: keep-pipelines, pipelines-size, keep-traces, ….
bool IsSetting(absl::string_view name);
// kInvalidArgument if the value makes no sense; "" (the default again) is fine.
absl::Status CheckSetting(absl::string_view name, absl::string_view value);
// The limits of a project with these settings. Values that make no sense count as not set.
Limits ProjectLimits(const Limits& farm, const std::map<std::string, std::string>& settings);

}  // namespace grange::retention

#endif  // GRANGE_COORDINATOR_RETENTION_LIMITS_H_
