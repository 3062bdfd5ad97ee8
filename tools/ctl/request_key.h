#ifndef GRANGE_TOOLS_CTL_REQUEST_KEY_H_
#define GRANGE_TOOLS_CTL_REQUEST_KEY_H_

#include <CLI/App.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace grange::ctl {

// Adds --request-key to a changing command, so that a script can repeat one that was cut.
void AddRequestKeyOption(CLI::App* command, std::string& hex);

// The 16 bytes of `hex`, else of $GRANGE_REQUEST_KEY, else random ones.
absl::StatusOr<std::string> RequestKey(const std::string& hex);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_REQUEST_KEY_H_
