#ifndef GRANGE_COMMON_TEXT_EDIT_DISTANCE_H_
#define GRANGE_COMMON_TEXT_EDIT_DISTANCE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace grange::text {

// The candidate nearest to `name` if it is near enough to be meant (at most a third of its length
// wrong), else "". For "did you mean 'build'?".
std::string Nearest(absl::string_view name, const std::vector<std::string>& candidates);

// True if one letter was added, left out or replaced, or two neighbours were swapped, in a name of
// at least five letters.
bool IsOneSlipFrom(absl::string_view name, absl::string_view meant);

// "; did you mean 'build'?", or "".
std::string DidYouMean(absl::string_view name, const std::vector<std::string>& candidates);

}  // namespace grange::text

#endif  // GRANGE_COMMON_TEXT_EDIT_DISTANCE_H_
