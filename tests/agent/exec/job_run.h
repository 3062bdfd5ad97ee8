#ifndef GRANGE_TESTS_AGENT_EXEC_JOB_RUN_H_
#define GRANGE_TESTS_AGENT_EXEC_JOB_RUN_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "agent/exec/shim_process.h"
#include "common/base/mutex.h"
#include "common/os/event_loop.h"

namespace grange::exec {

// One job under a real shim in a temporary folder, which goes with this object. Its event loop has
// a thread of its own; all functions here are for the test's thread.
class JobRun {
 public:
  JobRun();
  ~JobRun();
  JobRun(const JobRun&) = delete;
  JobRun& operator=(const JobRun&) = delete;

  ShimRun& run() { return run_; }
  const std::string& dir() const { return dir_; }
  const std::string& workspace() const { return workspace_; }

  absl::Status Launch(std::string script);
  absl::Status Adopt(const ProcessKey& key);
  // The agent's object goes, the shim stays.
  void ForgetShim();
  ProcessKey key();
  void Cancel(absl::Duration grace, bool force);
  void ExtendLease(absl::Duration since_boot);
  void Pause(bool on);
  void FailDiskFull(uint64_t bytes, bool into_work_tree);

  // These wait for the event; a failure of the test if it takes too long.
  void UntilPrinted(const std::string& text);
  void UntilLines(size_t count);
  // nullopt: the shim died without a result.
  std::optional<ShimResult> UntilEnd();

  // Launch() and UntilEnd().
  ShimResult Finish(std::string script);

  std::string log() const;
  // The content of a file that the script wrote into its workspace, "" if there is none.
  std::string Written(const std::string& name) const;
  // Since Launch().
  absl::Duration elapsed() const;

 private:
  ShimProcess::Callbacks MakeCallbacks();
  void OnLoop(const std::function<void()>& task);
  void Note() ABSL_LOCKS_EXCLUDED(mu_);
  // Looks at the condition now and after each event.
  void Until(const std::function<bool()>& condition) ABSL_LOCKS_EXCLUDED(mu_);
  bool ended() ABSL_LOCKS_EXCLUDED(mu_);

  std::string dir_;
  std::string workspace_;
  ShimRun run_;
  absl::Duration started_at_;

  base::Mutex mu_;
  base::CondVar happened_;
  uint64_t events_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<ShimResult> result_ ABSL_GUARDED_BY(mu_);

  os::EventLoop loop_;
  std::unique_ptr<ShimProcess> shim_;  // the loop's thread only
  std::thread thread_;
};

// Whether a process is there and is not a zombie.
bool IsAlive(pid_t pid);
bool IsAlive(const std::string& pid);

}  // namespace grange::exec

#endif  // GRANGE_TESTS_AGENT_EXEC_JOB_RUN_H_
