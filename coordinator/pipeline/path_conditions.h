#ifndef GRANGE_COORDINATOR_PIPELINE_PATH_CONDITIONS_H_
#define GRANGE_COORDINATOR_PIPELINE_PATH_CONDITIONS_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/config/source_tree.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/problems.h"
#include "coordinator/pipeline/scope.h"

namespace grange::pipeline {

// Decides `changes` and `exists`. Asks the tree once for each answer, and not at all unless a
// condition needs it.
class PathConditions {
 public:
  struct Outcome {
    bool holds = false;
    std::string reason;  // "changes: 'src/main.c' matches 'src/*.c'"
  };

  PathConditions(const config::SourceTree& tree, Problems& problems)
      : tree_(tree), problems_(problems) {}

  // Holds where there is nothing to compare with.
  Outcome Changes(const PathCondition& condition, const Scope& scope);
  Outcome Exists(const PathCondition& condition, const Scope& scope);

 private:
  using Paths = std::vector<std::string>;
  // nullptr if there is nothing to compare with, or if the question itself is wrong (reported).
  const Paths* ChangedFiles(const PathCondition& condition, const Scope& scope);
  // Those of `project` at `ref`; "" is the project that is compiled. nullptr, reported once, if
  // they can't be had.
  const Paths* Files(const config::Place& place, const std::string& project,
                     const std::string& ref);

  const config::SourceTree& tree_;
  Problems& problems_;
  std::map<std::string, std::optional<Paths>> changed_;  // by compare_to
  std::map<std::pair<std::string, std::string>, std::optional<Paths>> files_;  // by project, ref
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_PATH_CONDITIONS_H_
