#include "tools/bench/farm.h"

#include <signal.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "tools/bench/measure/process_table.h"

namespace grange::bench {
namespace {

constexpr char kBranch[] = "main";
constexpr char kProject[] = "bench";

}  // namespace

absl::StatusOr<std::unique_ptr<Farm>> Farm::Start(const std::string& dir,
                                                  const std::vector<File>& configs,
                                                  const Options& options) {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(dir));
  std::unique_ptr<Farm> farm(new Farm(dir, options));
  GRANGE_RETURN_IF_ERROR(farm->StartCoordinator());
  GRANGE_RETURN_IF_ERROR(farm->MakeRepository(configs));
  if (options.agent) GRANGE_RETURN_IF_ERROR(farm->StartAgent());
  GRANGE_ASSIGN_OR_RETURN(farm->client_, FarmClient::Connect(farm->client_config()));
  if (!options.agent) GRANGE_RETURN_IF_ERROR(farm->client_->CancelPipeline(farm->first_pipeline_));
  GRANGE_RETURN_IF_ERROR(
      farm->client_->WaitFor(farm->first_pipeline_, options.agent ? "success" : "canceled"));
  return farm;
}

Farm::Farm(std::string dir, Options options)
    : dir_(std::move(dir)), repository_(dir_ + "/" + kProject), options_(std::move(options)) {}

Farm::~Farm() {
  client_.reset();
  agent_.reset();
  coordinator_.reset();
  KillAllChildren();                   // shims outlive their agent
  os::RemoveTree(dir_).IgnoreError();  // the temporary folder around it goes at the end
}

absl::Status Farm::WaitUntilQuiet() { return WaitUntilIdle(processes()); }

std::vector<std::string> Farm::CtlCommand(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv = {BinaryPath("grangectl"), "--config", client_config()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

absl::Status Farm::StartCoordinator() {
  std::vector<std::string> argv = {BinaryPath("grange-coordinator"), "--state",
                                   dir_ + "/coordinator", "--listen",
                                   address_.empty() ? "127.0.0.1:0" : address_};
  argv.insert(argv.end(), options_.coordinator_arguments.begin(),
              options_.coordinator_arguments.end());
  GRANGE_ASSIGN_OR_RETURN(Program started, Program::Start(argv, dir_ + "/coordinator.log"));
  coordinator_ = std::move(started);
  GRANGE_ASSIGN_OR_RETURN(address_, coordinator_->WaitForLine("ready "));
  return absl::OkStatus();
}

void Farm::KillCoordinator(int signal) {
  coordinator_->Kill(signal);
  coordinator_->Wait();
}

absl::StatusOr<absl::Duration> Farm::StartCoordinatorAgain() {
  const absl::Time start = absl::Now();
  GRANGE_RETURN_IF_ERROR(StartCoordinator());
  const absl::Duration took = absl::Now() - start;
  // The old client's connection is gone, and gRPC would wait before it makes another one.
  GRANGE_ASSIGN_OR_RETURN(client_, FarmClient::Connect(client_config()));
  return took;
}

absl::StatusOr<SwarmOptions> Farm::ForSwarm() const {
  SwarmOptions options;
  options.address = address_;
  const std::string ca = dir_ + "/coordinator/keys/ca.pem";
  if (!os::Exists(ca)) return options;  // plain text
  GRANGE_ASSIGN_OR_RETURN(options.ca_pem, os::ReadFile(ca));
  return options;
}

std::vector<pid_t> Farm::processes() const {
  std::vector<pid_t> pids;
  for (const std::optional<Program>* program : {&coordinator_, &agent_}) {
    if (program->has_value()) pids.push_back((*program)->pid());
  }
  return pids;
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

std::string NoopConfig(int jobs, const std::string& tag) {
  std::string text;
  for (int i = 1; i <= jobs; ++i) {
    absl::StrAppendFormat(&text,
                          "noop-%d:\n"
                          "  variables: {GIT_STRATEGY: none}\n"
                          "  script: [\"true\"]\n",
                          i);
    if (!tag.empty()) absl::StrAppend(&text, "  tags: [", tag, "]\n");
  }
  return text;
}

}  // namespace grange::bench
