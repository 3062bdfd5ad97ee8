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

namespace grange::bench {

// A coordinator and one agent with two slots, as users run them: separate processes, TLS on
// loopback. Used by one thread.
class Farm {
 public:
  // All state and the repository are below `dir`. `configs` are files of the repository's only
  // commit. The first of them has run when this returns, so that the coordinator has the commit.
  struct File {
    std::string name;
    std::string text;
  };
  static absl::StatusOr<std::unique_ptr<Farm>> Start(const std::string& dir,
                                                     const std::vector<File>& configs);
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

  const FarmClient::Commit& commit() const { return commit_; }
  const std::string& repository() const { return repository_; }
  pid_t coordinator() const { return coordinator_->pid(); }
  pid_t agent() const { return agent_->pid(); }
  std::vector<pid_t> processes() const { return {coordinator(), agent()}; }
  // grangectl with this farm's configuration.
  std::vector<std::string> CtlCommand(const std::vector<std::string>& arguments) const;

 private:
  explicit Farm(std::string dir);
  absl::Status StartCoordinator();
  absl::Status StartAgent();
  absl::Status MakeRepository(const std::vector<File>& configs);
  absl::StatusOr<std::string> Run(const std::vector<std::string>& argv) const;

  const std::string dir_, repository_;
  std::string address_;
  FarmClient::Commit commit_;
  int64_t first_pipeline_ = 0;
  std::optional<Program> coordinator_, agent_;
  std::unique_ptr<FarmClient> client_;
};

// A job that does nothing: what B1 and B2 are about.
std::string NoopConfig(int jobs);

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_FARM_H_
