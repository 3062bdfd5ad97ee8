#ifndef GRANGE_AGENT_SHIM_JOB_FOLDER_H_
#define GRANGE_AGENT_SHIM_JOB_FOLDER_H_

#include <sys/types.h>

#include <cstdint>
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

  // Writes who this shim is into the file `shim`, with room on the disk for the result. EEXIST if a
  // shim had this folder already, or an agent has given up on one. errno.
  int Claim(const std::string& boot_id);
  // When this process started, as its agent will tell it from a later one; after Claim().
  uint64_t start_time() const { return start_time_; }
  // Adds the process group of a script that was started.
  void RecordGroup(pid_t group);

  // Opens the file `log` at its end.
  OwnedFd OpenLog();
  // Adds the result to the file `shim`, which then is called `result`. (To make a file costs ten
  // times as much as to rename one.) errno.
  int WriteResult(const RunResult& result);

 private:
  std::string path_;
  uint64_t start_time_ = 0;
  OwnedFd shim_;
};

// All of `bytes`, through short writes and EINTR. errno.
int WriteAll(int fd, std::string_view bytes);

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_JOB_FOLDER_H_
