#ifndef GRANGE_COORDINATOR_PIPELINE_STAGE_LIST_H_
#define GRANGE_COORDINATOR_PIPELINE_STAGE_LIST_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace grange::pipeline {

inline constexpr absl::string_view kPreStage = ".pre";
inline constexpr absl::string_view kPostStage = ".post";
inline constexpr absl::string_view kDefaultStage = "test";  // of a job without `stage`

// The stages of a pipeline in their order: `.pre` first and `.post` last, whatever was written.
class StageList {
 public:
  // build, test, deploy.
  StageList();
  explicit StageList(const std::vector<std::string>& names);

  const std::vector<std::string>& names() const { return names_; }
  std::optional<int> Find(absl::string_view name) const;

 private:
  std::vector<std::string> names_;
  absl::flat_hash_map<std::string, int> index_;
};

// Of a text in UTF-8: limits of names count what people see.
size_t CharacterCount(absl::string_view text);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_STAGE_LIST_H_
