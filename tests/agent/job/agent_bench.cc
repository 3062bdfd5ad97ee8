#include "tests/agent/job/agent_bench.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/os/files.h"
#include "gtest/gtest.h"

namespace grange::job {
namespace {

constexpr absl::Duration kTooLong = absl::Seconds(10);

absl::StatusOr<JobSpec> Decode(absl::string_view script) {
  if (script == "damaged") return absl::InvalidArgumentError("the spec is damaged");
  JobSpec spec;
  spec.project = "p";
  spec.name = "job";
  spec.script = {std::string(script)};
  spec.sources.strategy = workspace::Sources::Strategy::kNone;
  spec.sources.project_name = "p";
  if (script == "artifacts") {
    spec.script = {"echo x > made"};
    spec.artifacts_out.paths = {"made"};
  }
  if (script == "cleans up") {
    spec.script = {"echo up", "sleep 1000"};
    spec.after_script = {"echo; echo $CI_JOB_STATUS"};
  }
  if (script == "stubborn") {
    spec.script = {"trap '' TERM", "echo up", "while :; do sleep 0.05; done"};
    spec.after_script = {"echo after"};
  }
  spec.stop_on_disconnect = script == "stop on disconnect";
  if (script == "needs artifacts") spec.artifacts_in = {{"other", "id", 0, ""}};
  return spec;
}

// The coordinator's files: none to fetch, and room for all that comes. A fetch ends by a cancel.
class Doors : public workspace::PackDoor, public workspace::FileDoor {
 public:
  absl::Status Serve(const workspace::Sources&, int, workspace::Cancellation&) override {
    return absl::UnavailableError("no sources here");
  }
  absl::StatusOr<std::string> Put(const Upload& upload, workspace::Cancellation&) override {
    return absl::StrCat("stored-", upload.assignment.job.value());
  }
  absl::Status Get(const Download&, workspace::Cancellation& cancellation) override {
    base::Mutex mu;
    base::CondVar changed;
    const workspace::Cancellation::Hook wake(cancellation, [&] {
      base::MutexLock lock(mu);
      changed.SignalAll();
    });
    base::MutexLock lock(mu);
    while (!cancellation.canceled()) changed.Wait(mu);
    return absl::CancelledError("canceled");
  }
};

}  // namespace

struct AgentBench::Agent {
  Agent(AgentBench& hub, const Clock& clock)
      : git(workspace::GitCommand::Make(hub.dir_).value()),
        mirrors(hub.Path("mirrors"), git),
        bench(mirrors, git, doors, doors),
        journal(trace::Journal::Open({.path = hub.Path("journal"), .make_room = nullptr}, loop)
                    .value()),
        traces(loop),
        table({hub.settings_, loop, clock, *journal, traces, workers, bench, hub}, Decode) {}

  os::EventLoop loop;
  Doors doors;
  workspace::GitCommand git;
  workspace::GitMirrors mirrors;
  Workbench bench;
  std::unique_ptr<trace::Journal> journal;
  trace::TraceSender traces;
  WorkerPool workers{4};
  JobTable table;
  std::thread thread;
};

AgentBench::AgentBench() : dir_(os::MakeTempDir("grange-agent-test").value()) {
  for (const char* name : {"jobs", "mirrors", "workspaces"}) {
    EXPECT_TRUE(os::MakeDirs(Path(name)).ok());
  }
  settings_.state_dir = dir_;
  settings_.shim_program = GRANGE_BIN_DIR "/grange-shim";
  settings_.slots = 2;
  settings_.free_bytes_min = 0;
  settings_.environment = {"PATH=/usr/bin:/bin"};
  Boot();
}

AgentBench::~AgentBench() {
  // Nothing of a job may outlive its test.
  On([](JobTable& table) {
    for (const Report& report : table.Reports()) table.Forget(report.assignment);
  });
  EXPECT_TRUE(WaitUntil([this] { return Reports().empty(); }));
  Kill();
  os::RemoveTree(dir_).IgnoreError();  // a leftover of a test that failed
}

void AgentBench::Boot() {
  agent_ = std::make_unique<Agent>(*this, clock_);
  agent_->table.Recover();
  agent_->thread = std::thread([loop = &agent_->loop] { loop->Run(); });
}

void AgentBench::Kill() {
  agent_->loop.Stop();
  agent_->thread.join();
  agent_->table.Abandon();
  agent_.reset();
}

void AgentBench::Restart(const std::function<void()>& between) {
  Kill();
  between();
  Boot();
}

void AgentBench::On(const std::function<void(JobTable&)>& work) {
  bool done = false;
  agent_->loop.Post([&] {
    work(agent_->table);
    base::MutexLock lock(mu_);
    done = true;
    changed_.SignalAll();
  });
  base::MutexLock lock(mu_);
  while (!done) changed_.Wait(mu_);
}

void AgentBench::Connect() {
  On([this](JobTable& table) {
    agent_->traces.Connected(*this, "session", {});
    table.BeginSession();
    for (const Report& report : table.Reports()) {
      uint64_t have = 0;
      {
        base::MutexLock lock(mu_);
        have = traces_[report.assignment].size();
      }
      table.Apply({report.assignment, Verdict::Kind::kGoOn, have});
    }
  });
}

std::vector<Report> AgentBench::Reports() {
  std::vector<Report> reports;
  On([&](JobTable& table) { reports = table.Reports(); });
  return reports;
}

bool AgentBench::WaitFor(const std::string& event) {
  const absl::Time until = clock_.Now() + kTooLong;
  base::MutexLock lock(mu_);
  while (std::count(events_.begin(), events_.end(), event) == 0) {
    if (clock_.Now() > until) return false;
    changed_.WaitWithTimeout(mu_, absl::Milliseconds(100));
  }
  return true;
}

bool AgentBench::WaitUntil(const std::function<bool()>& done) {
  const absl::Time until = clock_.Now() + kTooLong;
  while (!done()) {
    if (clock_.Now() > until) return false;
    base::MutexLock lock(mu_);
    changed_.WaitWithTimeout(mu_, absl::Milliseconds(5));
  }
  return true;
}

void AgentBench::Add(const std::string& event) {
  base::MutexLock lock(mu_);
  events_.push_back(event);
  changed_.SignalAll();
}

std::vector<std::string> AgentBench::events() {
  base::MutexLock lock(mu_);
  return events_;
}

std::string AgentBench::trace(const Assignment& assignment) {
  base::MutexLock lock(mu_);
  return traces_[assignment];
}

std::optional<JobResult> AgentBench::result(const Assignment& assignment) {
  base::MutexLock lock(mu_);
  const auto found = results_.find(assignment);
  return found == results_.end() ? std::nullopt : std::make_optional(found->second);
}

void AgentBench::Accepted(const Assignment& assignment) {
  Add(absl::StrCat("accepted ", assignment.ToString()));
}
void AgentBench::Declined(const Assignment& assignment, const std::string& reason) {
  Add(absl::StrCat("declined ", assignment.ToString(), ": ", reason));
}
void AgentBench::Started(const Assignment& assignment) {
  Add(absl::StrCat("started ", assignment.ToString()));
}
void AgentBench::Finished(const Assignment& assignment, const JobResult& result) {
  {
    base::MutexLock lock(mu_);
    results_[assignment] = result;
  }
  Add(absl::StrCat("finished ", assignment.ToString(), " ", EndReasonName(result.reason)));
}

void AgentBench::Write(std::shared_ptr<const v1::TraceMsg> message) {
  if (message->has_chunk()) {
    const v1::TraceChunk& chunk = message->chunk();
    const Assignment assignment{JobId(chunk.assignment().job_id()), chunk.assignment().attempt(),
                                Fence{chunk.assignment().fence()}};
    base::MutexLock lock(mu_);
    std::string& trace = traces_[assignment];
    EXPECT_EQ(chunk.offset(), trace.size());
    trace += chunk.data();
  }
  agent_->loop.Post([this, message] {
    if (message->has_chunk()) {
      const v1::TraceChunk& chunk = message->chunk();
      agent_->traces.OnAck({JobId(chunk.assignment().job_id()), chunk.assignment().attempt(),
                            Fence{chunk.assignment().fence()}},
                           chunk.offset() + chunk.data().size());
    }
    agent_->traces.OnWritten();
  });
}

}  // namespace grange::job
