#include "agent/exec/leftovers.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/exec/job_cgroups.h"
#include "agent/shim/process_stat.h"
#include "common/os/files.h"

namespace grange::exec {
namespace {

constexpr uint64_t kShimFileBytesMax = 64 << 10;
constexpr uint64_t kEnvironmentBytesMax = 8 << 20;

// The process groups, each also a session, that the shim has noted for its scripts.
std::set<pid_t> RecordedSessions(const std::string& job_dir) {
  std::set<pid_t> sessions;
  const absl::StatusOr<std::string> text =
      os::ReadFile(os::JoinPath(job_dir, "shim"), kShimFileBytesMax);
  if (!text.ok()) return sessions;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    pid_t session = 0;
    if (absl::ConsumePrefix(&line, "group=") && absl::SimpleAtoi(line, &session) && session > 1) {
      sessions.insert(session);
    }
  }
  return sessions;
}

bool HasVariable(pid_t pid, const std::string& variable) {
  const absl::StatusOr<std::string> environment =
      os::ReadFile(absl::StrCat("/proc/", pid, "/environ"), kEnvironmentBytesMax);
  if (!environment.ok()) return false;  // another user's, or gone
  const std::vector<absl::string_view> variables = absl::StrSplit(*environment, '\0');
  return std::find(variables.begin(), variables.end(), variable) != variables.end();
}

}  // namespace

size_t KillLeftovers(const std::string& job_dir) {
  const absl::StatusOr<std::string> path = os::RealPath(job_dir);
  if (!path.ok()) return 0;
  const std::string variable = absl::StrCat("GRANGE_JOB_FOLDER=", *path);
  std::set<pid_t> sessions = RecordedSessions(job_dir);
  const std::vector<shim::ProcessStat> processes = shim::ListProcesses();
  std::vector<pid_t> marked;
  for (const shim::ProcessStat& process : processes) {
    if (process.state == 'Z' || process.pid == getpid()) continue;
    if (HasVariable(process.pid, variable)) {
      marked.push_back(process.pid);
    } else if (process.pid == process.session) {
      sessions.erase(process.session);  // the number belongs to somebody else by now
    }
  }
  size_t killed = KillCgroupOf(job_dir);
  for (const shim::ProcessStat& process : processes) {
    if (process.state == 'Z' || process.pid == getpid()) continue;
    if (sessions.count(process.session) == 0 &&
        std::find(marked.begin(), marked.end(), process.pid) == marked.end()) {
      continue;
    }
    if (kill(process.pid, SIGKILL) == 0) ++killed;
  }
  return killed;
}

}  // namespace grange::exec
