#include "coordinator/config/include_source.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace grange::config {

absl::StatusOr<SourceFile> NoIncludes::ReadLocal(absl::string_view path) const {
  return absl::NotFoundError(absl::StrCat("there is no file '", path, "' to include"));
}

}  // namespace grange::config
