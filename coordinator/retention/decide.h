#ifndef GRANGE_COORDINATOR_RETENTION_DECIDE_H_
#define GRANGE_COORDINATOR_RETENTION_DECIDE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id.h"
#include "coordinator/retention/limits.h"

// What a coordinator no longer keeps: rows with ages and sizes in, what goes and why out. Pure.
namespace grange::retention {

struct PipelineItem {
  PipelineId id;
  ProjectId project;
  std::string ref_name;
  bool is_tag = false;
  bool finished = false;
  bool succeeded = false;
  bool pinned = false;
  bool waiting = false;  // for a person, not finished: nothing of it runs, or will by itself
  // Of one that waits: when something happened to one of its jobs.
  absl::Time ended = absl::InfinitePast();
  uint64_t bytes = 0;  // of its rows
};

struct TraceItem {
  PipelineId pipeline;
  JobId job;
  AttemptNumber attempt = 0;
  absl::Time ended = absl::InfinitePast();
  uint64_t bytes = 0;  // on the disk
};

struct ArtifactItem {
  PipelineId pipeline;
  std::string id;
  absl::Time created = absl::InfinitePast();
  std::optional<absl::Time> expires;  // of its own; InfiniteFuture: never
  uint64_t bytes = 0;
};

// All that is there. Traces and artifacts of pipelines that aren't in it are let alone.
struct Stock {
  std::vector<PipelineItem> pipelines;  // by id
  std::vector<TraceItem> traces;        // complete ones
  std::vector<ArtifactItem> artifacts;
};

struct Removal {
  size_t index = 0;  // in the stock
  ProjectId project;
  std::string limit;  // "keep-traces 90 days", "artifacts-size 20 GiB", "expire_in"
};

// More is there than a size limit allows, and all of it must stay.
struct Crowded {
  Kind kind = Kind::kPipelines;
  ProjectId project;  // unset: all projects together
  uint64_t bytes = 0;
  uint64_t limit = 0;
};

struct Plan {
  std::vector<Removal> pipelines;            // with all their traces and artifacts
  std::vector<Removal> traces;               // of pipelines that stay
  std::vector<Removal> artifacts;            // of pipelines that stay
  absl::Time next = absl::InfiniteFuture();  // when the next one is due by its age
  std::vector<Crowded> crowded;
};

// What goes at `now`, oldest first; equal input gives equal output.
//
// A pipeline that waits for a person goes by its age only, as if it had finished when something
// last happened in it. Otherwise one stays, with its traces, while it isn't finished or is pinned,
// and if it is the newest of its ref or the newest of its ref that succeeded. It also stays until
// the artifacts expire that have an expire_in of their own. Artifacts stay while the pipeline isn't
// finished or is pinned, and if it is the newest of its ref that succeeded. Those that never expire
// go with their pipeline only. Sizes count all that is there, what must stay too.
Plan Decide(const Stock& stock, const Policy& policy, absl::Time now);

}  // namespace grange::retention

#endif  // GRANGE_COORDINATOR_RETENTION_DECIDE_H_
