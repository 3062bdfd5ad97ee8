#ifndef GRANGE_COORDINATOR_SOURCE_COMMIT_TEXT_H_
#define GRANGE_COORDINATOR_SOURCE_COMMIT_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coordinator/store/store.h"

// git's own forms of commits and folders, as `git cat-file` gives them. Pure.
namespace grange::source {

// The facts of a commit object. The message is cut at 64 KiB, title and names at 1 KiB, between
// characters: they become environment variables of jobs. kInvalidArgument for a NUL in it,
// kDataLoss for what is no commit.
absl::StatusOr<store::Commit> ParseCommit(absl::string_view sha, absl::string_view object);

// The mode of the entry `name` of a tree object ("100644", "40000", "120000"), or "" if it has no
// such entry. `hash_bytes`: 20, or 32 for SHA-256 repositories.
std::string ModeInTree(absl::string_view object, absl::string_view name, size_t hash_bytes);

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_COMMIT_TEXT_H_
