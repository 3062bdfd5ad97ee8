#ifndef GRANGE_COORDINATOR_SERVER_SUBMIT_H_
#define GRANGE_COORDINATOR_SERVER_SUBMIT_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "coordinator/control/backend.h"
#include "coordinator/schedule/event.h"
#include "coordinator/server/commit_tree.h"
#include "coordinator/server/pipeline_book.h"
#include "coordinator/source/git_mirror.h"
#include "coordinator/store/store.h"

namespace grange::server {

// A submit that led to a pipeline: the scheduler is told of it once the rows are durable.
struct Submitted {
  control::SubmitAnswer answer;
  // Set if jobs are to run.
  std::optional<schedule::PipelineAdded> event;
};

// From an order to durable rows: fixes the commit, reads its configuration, compiles it, stores
// pipeline and jobs (or the errors). Blocks on git and the disk. Thread-safe.
class Submitter {
 public:
  Submitter(store::Store& store, source::GitMirrors& mirrors, PipelineBook& book,
            const Clock& clock, std::function<std::string()> server_url,
            IncludeOptions includes = {})
      : store_(store),
        mirrors_(mirrors),
        book_(book),
        clock_(clock),
        server_url_(std::move(server_url)),
        includes_(std::move(includes)) {}

  absl::StatusOr<Submitted> Submit(const control::SubmitOrder& order);

 private:
  // The answer that an earlier call with the same request key gave.
  absl::StatusOr<control::SubmitAnswer> Earlier(const std::string& text, ProjectId project);
  absl::StatusOr<Submitted> Create(const control::SubmitOrder& order,
                                   const store::Project& project);

  store::Store& store_;
  source::GitMirrors& mirrors_;
  PipelineBook& book_;
  const Clock& clock_;
  const std::function<std::string()> server_url_;
  const IncludeOptions includes_;
};

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_SUBMIT_H_
