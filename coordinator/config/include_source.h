#ifndef GRANGE_COORDINATOR_CONFIG_INCLUDE_SOURCE_H_
#define GRANGE_COORDINATOR_CONFIG_INCLUDE_SOURCE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coordinator/config/source_file.h"

namespace grange::config {

// Where included files come from: the commit's tree at the coordinator, the directory of `lint`.
// Implemented by the shell; the compiler only asks.
class IncludeSource {
 public:
  virtual ~IncludeSource() = default;

  // The file at `path` below the repository's root. kNotFound if there is none.
  virtual absl::StatusOr<SourceFile> ReadLocal(absl::string_view path) const = 0;
};

// Has no files.
class NoIncludes : public IncludeSource {
 public:
  absl::StatusOr<SourceFile> ReadLocal(absl::string_view path) const override;
};

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_INCLUDE_SOURCE_H_
