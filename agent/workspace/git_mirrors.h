#ifndef GRANGE_AGENT_WORKSPACE_GIT_MIRRORS_H_
#define GRANGE_AGENT_WORKSPACE_GIT_MIRRORS_H_

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/workspace/cancellation.h"
#include "agent/workspace/git_command.h"
#include "agent/workspace/sources.h"
#include "common/base/mutex.h"

namespace grange::workspace {

// The way to the coordinator's copy of a repository.
class PackDoor {
 public:
  virtual ~PackDoor() = default;
  // Carries git's upload-pack conversation between `socket` and the coordinator until one of them
  // ends it. Blocks. What it returns is the reason if git, at the other end of the socket, fails.
  virtual absl::Status Serve(const Sources& sources, int socket, Cancellation& cancellation) = 0;
};

// A complete bare mirror of each project, so that only what is new is ever fetched. Thread-safe;
// fetches of one project wait for each other.
class GitMirrors {
 public:
  GitMirrors(std::string dir, const GitCommand& git) : dir_(std::move(dir)), git_(git) {}

  // Fetches the commit and its whole history unless it is there. Blocks; no process is started if
  // it is there. Tries again for some minutes while the coordinator can't be reached; a mirror that
  // turns out to be damaged is made anew. Returns the mirror's path.
  absl::StatusOr<std::string> Ensure(const Sources& sources, PackDoor& door, absl::Duration timeout,
                                     Cancellation& cancellation) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::Status Fetch(const Sources& sources, const std::string& mirror, PackDoor& door,
                     absl::Duration timeout, Cancellation& cancellation);
  absl::Status FetchPatiently(const Sources& sources, const std::string& mirror, PackDoor& door,
                              absl::Duration timeout, Cancellation& cancellation);
  absl::Status Lock(ProjectId project, Cancellation& cancellation) ABSL_LOCKS_EXCLUDED(mu_);
  void Unlock(ProjectId project) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string dir_;
  const GitCommand& git_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::set<ProjectId> busy_ ABSL_GUARDED_BY(mu_);
};

// Of a project, in the folder of all mirrors.
std::string MirrorPath(absl::string_view dir, ProjectId project);

// The files that make `git_dir` an empty repository; `git init` without a process.
absl::Status InitRepository(const std::string& git_dir, bool bare, bool sha256);

// True for a full commit id: 40 or 64 lower-case hexadecimal digits.
bool IsCommitId(absl::string_view text);

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_GIT_MIRRORS_H_
