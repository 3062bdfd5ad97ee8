#ifndef GRANGE_COORDINATOR_CONFIG_SOURCE_TEXT_H_
#define GRANGE_COORDINATOR_CONFIG_SOURCE_TEXT_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "coordinator/config/diagnostic.h"
#include "coordinator/config/source_file.h"

namespace grange::config {

// What is wrong with the bytes of a file, before any parser sees them: too many, not UTF-8, a
// character that no text has. The first thing only.
std::optional<Diagnostic> CheckText(const SourceFile& file);

// The text without a byte order mark at its start.
absl::string_view WithoutByteOrderMark(absl::string_view text);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_SOURCE_TEXT_H_
