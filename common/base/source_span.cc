#include "common/base/source_span.h"

#include "absl/strings/str_cat.h"

namespace grange {

std::string SourceSpan::ToString() const {
  if (line == 0) return file;
  return absl::StrCat(file, ":", line, ":", column);
}

}  // namespace grange
