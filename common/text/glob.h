#ifndef GRANGE_COMMON_TEXT_GLOB_H_
#define GRANGE_COMMON_TEXT_GLOB_H_

#include "absl/strings/string_view.h"

namespace grange::text {

// True if `path` matches: `*` and `?` within a folder, `**` over folders ("**/" also matches
// none), [abc] [a-z] [!a], {a,b}, `\` before a character to take it as it is. Dot files match.
// Takes time proportional to pattern times path at worst.
bool GlobMatches(absl::string_view pattern, absl::string_view path);

// True if the text has a character that means something to GlobMatches().
bool IsGlob(absl::string_view text);

}  // namespace grange::text

#endif  // GRANGE_COMMON_TEXT_GLOB_H_
