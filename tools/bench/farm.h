#ifndef GRANGE_TOOLS_BENCH_FARM_H_
#define GRANGE_TOOLS_BENCH_FARM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tools/bench/farm_client.h"
#include "tools/bench/program.h"
#include "tools/bench/swarm/swarm.h"

namespace grange::bench {

// A coordinator and one agent with two slots, as users run them: separate processes, TLS on
// loopback. Used by one thread.
class Farm {
 public:
  struct File {
    std::string name;
    std::string text;
  };
  struct Options {
    bool agent = true;  // else there is none: a swarm comes
    std::vector<std::string> coordinator_arguments = {};
  };
  // All state and the repository are below `dir`. `configs` are files of the repository's only
  // commit. The first of them has run (without an agent: was canceled) when this returns, so that
  // the coordinator has the commit.
  static absl::StatusOr<std::unique_ptr<Farm>> Start(const std::string& dir,
                                                     const std::vector<File>& configs,
                                                     const Options& options);
  static absl::StatusOr<std::unique_ptr<Farm>> Start(const std::string& dir,
                                                     const std::vector<File>& configs) {
    return Start(dir, configs, Options());
  }
  // Kills what it has started, and what that has started.
  ~Farm();

  FarmClient& client() { return *client_; }
  // A new pipeline from a file of the repository.
  absl::StatusOr<int64_t> Submit(const std::string& file,
                                 const FarmClient::Variables& variables = {}) {
    return client_->Submit(commit_, file, variables);
  }
  // Waits until neither process nor a job has used CPU for a moment: what they do after the last
  // job is not part of the next measurement.
  absl::Status WaitUntilQuiet();

  // Ends the coordinator with this signal, and waits for its end.
  void KillCoordinator(int signal);
  void WaitForCoordinatorsEnd() { coordinator_->Wait(); }
  // Starts it again at its old address; how long it took until it was ready.
  absl::StatusOr<absl::Duration> StartCoordinatorAgain();
  // Where a swarm finds it.
  absl::StatusOr<SwarmOptions> ForSwarm() const;

  const FarmClient::Commit& commit() const { return commit_; }
  const std::string& repository() const { return repository_; }
  pid_t coordinator() const { return coordinator_->pid(); }
  pid_t agent() const { return agent_->pid(); }  // if there is one
  std::vector<pid_t> processes() const;
  std::string client_config() const { return dir_ + "/coordinator/grangectl.yml"; }
  std::string agent_log() const { return dir_ + "/agent.log"; }
  // grangectl with this farm's configuration.
  std::vector<std::string> CtlCommand(const std::vector<std::string>& arguments) const;

 private:
  Farm(std::string dir, Options options);
  absl::Status StartCoordinator();
  absl::Status StartAgent();
  absl::Status MakeRepository(const std::vector<File>& configs);
  absl::StatusOr<std::string> Run(const std::vector<std::string>& argv) const;

  const std::string dir_, repository_;
  const Options options_;
  std::string address_;
  FarmClient::Commit commit_;
  int64_t first_pipeline_ = 0;
  std::optional<Program> coordinator_, agent_;
  std::unique_ptr<FarmClient> client_;
};

// Jobs that do nothing: what B1 and B2 are about. With a tag: for agents that have it.
std::string NoopConfig(int jobs, const std::string& tag = "");

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_FARM_H_
