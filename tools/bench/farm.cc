#include "tools/bench/farm.h"

#include <poll.h>
#include <signal.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "tools/bench/process_table.h"

namespace grange::bench {
namespace {

constexpr char kBranch[] = "main";
constexpr char kProject[] = "bench";
constexpr absl::Duration kQuietFor = absl::Milliseconds(300);
constexpr absl::Duration kQuietWithin = absl::Seconds(60);

}  // namespace

absl::StatusOr<std::unique_ptr<Farm>> Farm::Start(const std::string& dir,
                                                  const std::vector<File>& configs) {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(dir));
  std::unique_ptr<Farm> farm(new Farm(dir));
  GRANGE_RETURN_IF_ERROR(farm->StartCoordinator());
  GRANGE_RETURN_IF_ERROR(farm->MakeRepository(configs));
  GRANGE_RETURN_IF_ERROR(farm->StartAgent());
  GRANGE_ASSIGN_OR_RETURN(farm->client_, FarmClient::Connect(dir + "/coordinator/grangectl.yml"));
  GRANGE_RETURN_IF_ERROR(farm->client_->WaitFor(farm->first_pipeline_, "success"));
  return farm;
}

Farm::Farm(std::string dir) : dir_(std::move(dir)), repository_(dir_ + "/" + kProject) {}

Farm::~Farm() {
  client_.reset();
  agent_.reset();
  coordinator_.reset();
  KillAllChildren();                   // shims outlive their agent
  os::RemoveTree(dir_).IgnoreError();  // the temporary folder around it goes at the end
}

absl::Status Farm::WaitUntilQuiet() {
  const absl::Time until = absl::Now() + kQuietWithin;
  const auto used = [this] { return CpuSecondsOfTree(coordinator()) + CpuSecondsOfTree(agent()); };
  for (double before = used();;) {
    poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(kQuietFor)));
    const double after = used();
    // A heartbeat may fall in between: one tick of CPU time is quiet.
    if (after - before < 0.015) return absl::OkStatus();
    if (absl::Now() > until) return absl::DeadlineExceededError("the farm does not become quiet");
    before = after;
  }
}

std::vector<std::string> Farm::CtlCommand(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv = {BinaryPath("grangectl"), "--config",
                                   dir_ + "/coordinator/grangectl.yml"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

absl::Status Farm::StartCoordinator() {
  GRANGE_ASSIGN_OR_RETURN(Program started,
                          Program::Start({BinaryPath("grange-coordinator"), "--state",
                                          dir_ + "/coordinator", "--listen", "127.0.0.1:0"},
                                         dir_ + "/coordinator.log"));
  coordinator_ = std::move(started);
  GRANGE_ASSIGN_OR_RETURN(address_, coordinator_->WaitForLine("ready "));
  return absl::OkStatus();
}

absl::Status Farm::StartAgent() {
  GRANGE_ASSIGN_OR_RETURN(const std::string json,
                          Run(CtlCommand({"token", "create", "--registration", "-o", "json"})));
  // {"id":1,"token":"…",…}: the quoted text after the key.
  constexpr absl::string_view kKey = "\"token\":";
  const size_t begin = json.find('"', json.find(std::string(kKey)) + kKey.size());
  const size_t end = begin == std::string::npos ? begin : json.find('"', begin + 1);
  if (end == std::string::npos) return absl::InternalError("no token in what grangectl printed");
  const std::string state = dir_ + "/agent";
  GRANGE_RETURN_IF_ERROR(
      Run({BinaryPath("grange-agent"), "register", "--state", state, "--coordinator", address_,
           "--token", json.substr(begin + 1, end - begin - 1), "--slots", "2", "--name", "bench"})
          .status());
  GRANGE_ASSIGN_OR_RETURN(
      Program started,
      Program::Start({BinaryPath("grange-agent"), "run", "--state", state}, dir_ + "/agent.log"));
  agent_ = std::move(started);
  return agent_->WaitForLine("ready").status();
}

absl::Status Farm::MakeRepository(const std::vector<File>& configs) {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(repository_));
  for (const File& config : configs) {
    GRANGE_RETURN_IF_ERROR(os::WriteFile(repository_ + "/" + config.name, config.text));
  }
  const std::vector<std::string> git = {"git", "-C", repository_};
  const auto run_git = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), git.begin(), git.end());
    return Run(arguments);
  };
  GRANGE_RETURN_IF_ERROR(run_git({"init", "-q", "-b", kBranch}).status());
  GRANGE_RETURN_IF_ERROR(run_git({"add", "-A"}).status());
  GRANGE_RETURN_IF_ERROR(run_git({"commit", "-q", "-m", "benchmark"}).status());
  GRANGE_ASSIGN_OR_RETURN(const std::string sha, run_git({"rev-parse", "HEAD"}));
  commit_ = {
      .project = kProject, .sha = std::string(absl::StripAsciiWhitespace(sha)), .branch = kBranch};
  // The commit goes to the coordinator with the first pipeline, which waits for the agent.
  GRANGE_ASSIGN_OR_RETURN(const std::string id,
                          Run(CtlCommand({"submit", repository_, "--file", configs[0].name})));
  if (absl::SimpleAtoi(id, &first_pipeline_)) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("'submit' printed '", id, "', which is no pipeline"));
}

absl::StatusOr<std::string> Farm::Run(const std::vector<std::string>& argv) const {
  os::ChildOptions options;
  options.argv = argv;
  GRANGE_ASSIGN_OR_RETURN(const os::RunResult run, os::Run(options, {}, absl::Minutes(1)));
  if (run.status.ok()) return run.out;
  return absl::InternalError(
      absl::StrCat("'", argv[0], "' ended with ", run.status.ToString(), ": ", run.err));
}

std::string NoopConfig(int jobs) {
  std::string text;
  for (int i = 1; i <= jobs; ++i) {
    absl::StrAppendFormat(&text,
                          "noop-%d:\n"
                          "  variables: {GIT_STRATEGY: none}\n"
                          "  script: [\"true\"]\n",
                          i);
  }
  return text;
}

}  // namespace grange::bench
