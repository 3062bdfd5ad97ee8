#ifndef GRANGE_TOOLS_BENCH_FARM_CLIENT_H_
#define GRANGE_TOOLS_BENCH_FARM_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grange::ctl {
class Client;
}

namespace grange::bench {

// A client that stays connected to a coordinator, over TLS as grangectl. Used by one thread.
class FarmClient {
 public:
  // `config` is the coordinator's grangectl.yml.
  static absl::StatusOr<std::unique_ptr<FarmClient>> Connect(const std::string& config);
  ~FarmClient();

  using Variables = std::vector<std::pair<std::string, std::string>>;
  struct Commit {
    std::string project;
    std::string sha;
    std::string branch;
  };
  // A new pipeline from `file` of a commit that the coordinator has.
  absl::StatusOr<int64_t> Submit(const Commit& commit, const std::string& file,
                                 const Variables& variables = {});
  // Watches the pipeline until it has ended; an error if it ended in another status.
  absl::Status WaitFor(int64_t pipeline, const std::string& status);

  struct Job {
    int64_t id = 0;
    uint64_t trace_bytes = 0;
    uint64_t dropped_bytes = 0;
  };
  absl::StatusOr<Job> FirstJob(int64_t pipeline);
  absl::Status CancelJob(int64_t job);
  absl::Status CancelPipeline(int64_t pipeline);
  // A registration token for so many agents.
  absl::StatusOr<std::string> CreateRegistrationToken(int uses);
  // "online", "unreachable", … of the agent of this name.
  absl::StatusOr<std::string> AgentStatus(const std::string& name);
  absl::Status SetProject(const std::string& project, const std::string& key,
                          const std::string& value);

 private:
  explicit FarmClient(std::unique_ptr<ctl::Client> client);

  std::unique_ptr<ctl::Client> client_;
};

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_FARM_CLIENT_H_
