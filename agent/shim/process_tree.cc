#include "agent/shim/process_tree.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <vector>

#include "agent/shim/process_stat.h"

namespace grange::shim {
namespace {

// Those that have not ended.
std::vector<ProcessStat> Descendants() {
  std::vector<ProcessStat> processes = ListProcesses();
  std::set<pid_t> tree = {getpid()};
  // A child may stand before its parent in the list: go over it until nothing is added.
  for (size_t before = 0; before != tree.size();) {
    before = tree.size();
    for (const ProcessStat& process : processes) {
      if (tree.count(process.parent) > 0) tree.insert(process.pid);
    }
  }
  tree.erase(getpid());
  std::erase_if(processes, [&tree](const ProcessStat& process) {
    return tree.count(process.pid) == 0 || process.state == 'Z';
  });
  return processes;
}

}  // namespace

void ProcessTree::SetMain(pid_t main) {
  main_ = main;
  main_status_.reset();
  killed_.clear();
}

bool ProcessTree::Reap() {
  while (true) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
    if (pid < 0 && errno == EINTR) continue;
    if (pid <= 0) return pid == 0;
    if (pid == main_) main_status_ = status;
  }
}

void ProcessTree::SignalGroup(int signal) const {
  if (main_ > 0) kill(-main_, signal);
}

bool ProcessTree::GroupIsEmpty() const { return main_ <= 0 || kill(-main_, 0) != 0; }

bool ProcessTree::IsBusy() const {
  const std::vector<ProcessStat> living = Descendants();
  return std::any_of(living.begin(), living.end(), [](const ProcessStat& process) {
    return process.state == 'R' || process.state == 'D';
  });
}

void ProcessTree::KillAll() {
  for (const ProcessStat& process : Descendants()) {
    if (process.pid != main_) killed_.emplace(process.pid, process.name);
    kill(process.pid, SIGKILL);
  }
}

}  // namespace grange::shim
