#ifndef GRANGE_TESTS_SUPPORT_FARM_H_
#define GRANGE_TESTS_SUPPORT_FARM_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/os/child.h"
#include "nlohmann/json.hpp"
#include "tests/support/planted.h"

// Real processes for end-to-end tests: a coordinator, agents and grangectl from build/<preset>/bin,
// each with its state below one temporary folder. Everything waits for events with a deadline that
// only fails; nothing sleeps. One thread; others may call Ctl() and what is const meanwhile.
namespace grange::test {

// How long anything may take before the test fails. Long, as the machine may be busy.
inline constexpr absl::Duration kDeadline = absl::Seconds(60);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryCounts = false;  // the sanitizer's own is larger
#else
inline constexpr bool kMemoryCounts = true;
#endif

// A folder that goes with the test.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  void Keep() { keep_ = true; }  // it stays when this goes

 private:
  std::string path_;
  bool keep_ = false;
};

// Calls `done` again and again, at once when something may have changed, until it holds or the
// deadline has come. For conditions that no process announces.
bool Eventually(const std::function<bool()>& done, absl::Duration deadline = kDeadline);

// A program that runs in the background, its stdout and stderr in one file.
class Program {
 public:
  Program(std::string name, std::vector<std::string> argv, std::string log_path,
          std::vector<std::string> extra_env = {});
  ~Program();  // kill -9

  // The rest of the first line of its output that starts with `prefix`; fails after the deadline
  // or when the program ends without it.
  absl::StatusOr<std::string> WaitForLine(const std::string& prefix);
  void Kill(int signal);
  os::ExitStatus Wait();  // for its end
  bool Running();
  pid_t pid() const { return child_->pid(); }
  std::string Log() const;

 private:
  const std::string name_, log_path_;
  std::optional<os::Child> child_;
};

struct CtlResult {
  int exit_code = 0;
  std::string out, err;
  nlohmann::json json() const { return nlohmann::json::parse(out, nullptr, false); }
};

struct AgentOptions {
  std::string name = "agent-1";
  int slots = 2;
  std::vector<std::string> tags = {};
  bool run_untagged = true;
  // Where it finds the coordinator, such as the port of a proxy; "": at the coordinator's own.
  std::string coordinator = {};
  // Put before its command line at each start, such as "ip netns exec NAME".
  std::vector<std::string> prefix = {};
};

class Farm {
 public:
  struct Options {
    double time_scale = 1;
    std::vector<std::string> coordinator_arguments;
    std::vector<std::string> coordinator_environment = {};  // "NAME=value", beside the test's own
    std::vector<std::string> agent_environment;             // "NAME=value", beside the test's own
    // Called with the coordinator's state directory, which doesn't exist yet, before its start.
    // What it holds goes before the farm's folder.
    std::function<void(const std::string& state)> prepare_state;
    std::vector<std::string> agent_arguments = {};  // of `grange-agent run`
    // One file for each start of a program; else only the newest start's is there.
    bool keep_logs = false;
  };
  Farm() : Farm(Options()) {}
  explicit Farm(Options options);
  ~Farm();

  // Starts it, or starts it again on the same port and state. `prefix`, such as a tracer, is put
  // before its command line; it must leave the process its pid.
  void StartCoordinator(const std::vector<std::string>& prefix = {});
  // The same in two steps: does not wait until it is ready; waits, false if it ended before.
  void LaunchCoordinator(const std::vector<std::string>& prefix = {});
  bool WaitForCoordinator();
  void KillCoordinator(int signal = 9);
  // Registers and starts one.
  void AddAgent(const AgentOptions& options = {});
  void StartAgent(const std::string& name, const std::vector<std::string>& prefix = {});
  void LaunchAgent(const std::string& name, const std::vector<std::string>& prefix = {});
  bool WaitForAgent(const std::string& name);
  void KillAgent(const std::string& name, int signal = 9);
  Program& agent(const std::string& name) { return *agents_.at(name); }
  Program& coordinator() { return *coordinator_; }

  // grangectl with this farm's configuration.
  CtlResult Ctl(std::vector<std::string> arguments, absl::Duration timeout = kDeadline,
                const std::string& cwd = "");
  // The same in the background.
  std::unique_ptr<Program> StartCtl(const std::string& name, std::vector<std::string> arguments);
  CtlResult RunProgram(const std::string& program, std::vector<std::string> arguments,
                       absl::Duration timeout = kDeadline);

  // A git repository with this .gitlab-ci.yml and further files, one commit. Its folder.
  std::string MakeRepository(const std::string& name, const std::string& config,
                             const std::map<std::string, std::string>& files = {});
  void Commit(const std::string& repository, const std::map<std::string, std::string>& files,
              const std::string& message = "change");
  std::string Git(const std::string& repository, std::vector<std::string> arguments);

  // Submits the folder; the pipeline's id.
  int64_t Submit(const std::string& repository, std::vector<std::string> more = {});
  // Until the pipeline is final; its status.
  std::string WaitForPipeline(int64_t pipeline);
  nlohmann::json Job(int64_t pipeline, const std::string& name);
  // Until the job of this name has this status.
  bool WaitForJob(int64_t pipeline, const std::string& name, const std::string& status);
  std::string Trace(int64_t job);

  const std::string& dir() const { return dir_.path(); }
  const std::string& address() const { return address_; }
  std::string AgentState(const std::string& name) const { return dir_.path() + "/" + name; }
  std::string CoordinatorState() const { return dir_.path() + "/coordinator"; }
  std::string CtlConfig() const { return CoordinatorState() + "/grangectl.yml"; }
  static std::string Bin(const std::string& program);
  // All that the programs have logged, for a failing test.
  std::string Logs() const;
  // Stops the agents and the coordinator as an administrator does, then looks for what must not be
  // left: a process, a database that is not whole. A line for each; "" if all is well.
  std::string StopAndFindLeftovers();
  void KeepFolder() { dir_.Keep(); }
  // A value that must be in no file of the farm when it ends. So must the administrator's token and
  // the agents' credentials, but in the files that are theirs.
  void Plant(Planted planted) { planted_.push_back(std::move(planted)); }
  std::vector<Planted> Secrets() const;

 private:
  std::string LogPath(const std::string& program);

  TempDir dir_;
  const Options options_;  // may hold what is mounted in the folder
  std::string address_;
  std::unique_ptr<Program> coordinator_;
  std::map<std::string, std::unique_ptr<Program>> agents_;
  std::map<std::string, std::vector<std::string>> agent_prefixes_;
  std::vector<Planted> planted_;
  int starts_ = 0;  // of all programs; names their logs
};

// A text of a JSON object; "" where it is null or missing.
std::string Text(const nlohmann::json& object, const std::string& key);

// Processes that have `mark` (such as the farm's folder) in their environment or command line: what
// a job or an agent left behind.
std::vector<pid_t> ProcessesWithMark(const std::string& mark);

}  // namespace grange::test

#endif  // GRANGE_TESTS_SUPPORT_FARM_H_
