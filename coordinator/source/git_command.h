#ifndef GRANGE_COORDINATOR_SOURCE_GIT_COMMAND_H_
#define GRANGE_COORDINATOR_SOURCE_GIT_COMMAND_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/os/child.h"

namespace grange::source {

// The environment of every git: PATH and nothing else of ours, no user's or machine's
// configuration, no prompts, only the transports that Fetch() allows.
std::vector<std::string> GitEnvironment();

// Options before the subcommand that every git of ours has: no automatic gc (others may be reading
// the objects), objects checked on arrival, paths taken literally.
std::vector<std::string> GitPrefix();

// Runs `git <prefix> <arguments>` in `dir` and returns its output. An exit status other than 0 is
// kFailedPrecondition with git's last words.
absl::StatusOr<std::string> RunGit(const std::string& dir, std::vector<std::string> arguments,
                                   absl::string_view input = {},
                                   absl::Duration timeout = absl::Minutes(2),
                                   size_t out_limit = 64 << 20);

// The same for what takes long: git ends when `go_on`, which is asked about ten times a second,
// says no (kCancelled). For output and input of any size.
absl::StatusOr<std::string> RunGitWhile(const std::string& dir, std::vector<std::string> arguments,
                                        absl::string_view input,
                                        const std::function<bool()>& go_on);

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_GIT_COMMAND_H_
