#ifndef GRANGE_COORDINATOR_PIPELINE_NEVER_MATCHES_H_
#define GRANGE_COORDINATOR_PIPELINE_NEVER_MATCHES_H_

#include "absl/strings/string_view.h"

namespace grange::pipeline {

// True if no text at all can match: something must be consumed before `^` or behind `$`, as in
// `main^` or `$v1`. `regex` is one that RE2 compiles (https://github.com/google/re2/wiki/Syntax),
// unanchored. False where it isn't sure.
bool NeverMatches(absl::string_view regex);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_NEVER_MATCHES_H_
