#ifndef GRANGE_AGENT_SHIM_PROCESS_TREE_H_
#define GRANGE_AGENT_SHIM_PROCESS_TREE_H_

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>

namespace grange::shim {

// All that descends from this process, which must be a subreaper: then a descendant whose parent
// ends becomes a child of ours, whatever session it has made for itself.
class ProcessTree {
 public:
  // `main` is the child with which the script begins; its group has the same number.
  void SetMain(pid_t main);

  // Collects the children that have ended. True if others are left.
  bool Reap();
  // The wait status of the main process, once it has ended.
  std::optional<int> main_status() const { return main_status_; }

  // To the group of the main process. Nothing happens if nobody is in it.
  void SignalGroup(int signal) const;
  bool GroupIsEmpty() const;
  // Whether a descendant computes, waits for the disk or would if the machine let it: silence of
  // such a one means nothing. Looks at all processes of the machine.
  bool IsBusy() const;
  // SIGKILL to every descendant there is now; call it until Reap() says that none is left.
  void KillAll();

  // Descendants but the main process that KillAll() has met: pid and name.
  const std::map<pid_t, std::string>& killed() const { return killed_; }

 private:
  pid_t main_ = -1;
  std::optional<int> main_status_;
  std::map<pid_t, std::string> killed_;
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_PROCESS_TREE_H_
