#ifndef GRANGE_COORDINATOR_CONFIG_INCLUDE_ITEM_H_
#define GRANGE_COORDINATOR_CONFIG_INCLUDE_ITEM_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coordinator/config/diagnostic.h"
#include "coordinator/config/include_request.h"
#include "coordinator/config/value.h"

namespace grange::config {

// One entry of `include`, as it is written: variables stand as they are.
struct IncludeItem {
  Place place;
  IncludeRequest::Kind kind = IncludeRequest::Kind::kLocal;
  bool short_form = false;          // a text alone: a URL makes it remote
  std::vector<const Value*> paths;  // of the kind's keyword; of `file` for a project
  std::string project, ref, integrity;
  const Entry* rules = nullptr;
  const Entry* inputs = nullptr;
};

// Which entries may stand in an `include`: the one of a configuration, or the one of a header,
// which has only files of inputs.
enum class IncludeForm { kConfiguration, kHeader };

// The entry. nullopt, with an error for each thing that is wrong.
std::optional<IncludeItem> ReadIncludeItem(const Value& item, IncludeForm form,
                                           std::vector<Diagnostic>& diagnostics);

// What is asked for by one of the item's paths once `expand` has replaced the variables in it. An
// error is a message for the path's place: a path that leaves the repository, a component without
// version, ….
absl::StatusOr<IncludeRequest> ToRequest(
    const IncludeItem& item, const Value& path, const Origin& from,
    const std::function<std::string(absl::string_view)>& expand);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_INCLUDE_ITEM_H_
