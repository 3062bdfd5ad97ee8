#ifndef GRANGE_TESTS_AGENT_JOB_AGENT_BENCH_H_
#define GRANGE_TESTS_AGENT_JOB_AGENT_BENCH_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/job/job_table.h"
#include "common/base/mutex.h"
#include "common/os/real_clock.h"
#include "grange/v1/agent.pb.h"

namespace grange::job {

// A job table with everything real below it (journal, shims, spools) on a loop of its own, and a
// coordinator that notes what it hears and takes every byte of a trace. A job's spec is the text of
// its script; a few texts stand for more (agent_bench.cc).
class AgentBench : public Hub, public trace::TraceWriter {
 public:
  AgentBench();
  ~AgentBench() override;

  // The death of the agent process and its next start: all that is in memory goes. `between` runs
  // while there is no agent.
  void Restart(const std::function<void()>& between = [] {});
  // A session opens: each reported attempt goes on where its trace ended.
  void Connect();
  // Runs `work` on the loop's thread and waits for it.
  void On(const std::function<void(JobTable&)>& work);
  // Waits until one of `events()` is `event`; false after ten seconds, which only a failure takes.
  bool WaitFor(const std::string& event);
  bool WaitUntil(const std::function<bool()>& done);

  void Offer(const Assignment& assignment, const std::string& script) {
    On([&](JobTable& table) { table.Offer(assignment, script); });
  }
  void Start(const Assignment& assignment) {
    On([&](JobTable& table) { table.Start(assignment, {}); });
  }

  // "accepted job#1/1@1", "declined …: why", "started …", "finished … success", in order.
  std::vector<std::string> events();
  std::string trace(const Assignment& assignment);
  std::optional<JobResult> result(const Assignment& assignment);
  std::vector<Report> Reports();
  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  AgentSettings& settings() { return settings_; }  // before the next Restart()

  // Hub
  void Accepted(const Assignment& assignment) override;
  void Declined(const Assignment& assignment, const std::string& reason) override;
  void Started(const Assignment& assignment) override;
  void Finished(const Assignment& assignment, const JobResult& result) override;
  void Note(const Assignment&, const std::string&) override {}
  // trace::TraceWriter
  void Write(std::shared_ptr<const v1::TraceMsg> message) override;

 private:
  struct Agent;

  void Boot();
  void Kill();
  void Add(const std::string& event);

  std::string dir_;
  AgentSettings settings_;
  os::RealClock clock_;
  std::unique_ptr<Agent> agent_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::vector<std::string> events_ ABSL_GUARDED_BY(mu_);
  std::map<Assignment, std::string> traces_ ABSL_GUARDED_BY(mu_);
  std::map<Assignment, JobResult> results_ ABSL_GUARDED_BY(mu_);
};

}  // namespace grange::job

#endif  // GRANGE_TESTS_AGENT_JOB_AGENT_BENCH_H_
