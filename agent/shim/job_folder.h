#ifndef GRANGE_AGENT_SHIM_JOB_FOLDER_H_
#define GRANGE_AGENT_SHIM_JOB_FOLDER_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "agent/shim/owned_fd.h"
#include "agent/shim/run_result.h"

namespace grange::shim {

// The files of one job, seen from its shim: docs/formats/job-folder.md. Where a function says so
// it returns errno, 0 for success.
class JobFolder {
 public:
  // Makes `path` the working directory for the life of the process. errno.
  int Enter(const char* path);
  // The folder's absolute path.
  const std::string& path() const { return path_; }

  // Writes who this shim is into the file `shim`. EEXIST if a shim had this folder already, or an
  // agent has given up on one. errno.
  int Claim(const std::string& boot_id);
  // Adds the process group of a script that was started.
  void RecordGroup(pid_t group);

  // Opens the file `log` at its end.
  OwnedFd OpenLog();
  // A file with the text of a script. errno.
  int WriteScript(const char* name, std::string_view text);
  // Sets room on the disk aside for the result, so that a full one does not swallow it.
  void ReserveResult();
  // errno.
  int WriteResult(const RunResult& result);

 private:
  std::string path_;
  OwnedFd shim_;
  OwnedFd result_;
};

// All of `bytes`, through short writes and EINTR. errno.
int WriteAll(int fd, std::string_view bytes);

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_JOB_FOLDER_H_
