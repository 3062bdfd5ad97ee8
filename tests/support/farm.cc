#include "tests/support/farm.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/database_damage.h"

namespace grange::test {
namespace {

std::vector<std::string> TestEnvironment(const std::vector<std::string>& extra) {
  std::vector<std::string> env;
  for (std::string& entry : os::CurrentEnvironment()) {
    if (!absl::StartsWith(entry, "GIT_") && !absl::StartsWith(entry, "GRANGE_")) {
      env.push_back(std::move(entry));
    }
  }
  env.insert(env.end(), {"GIT_AUTHOR_NAME=Tess", "GIT_AUTHOR_EMAIL=tess@example.org",
                         "GIT_COMMITTER_NAME=Tess", "GIT_COMMITTER_EMAIL=tess@example.org",
                         "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1"});
  env.insert(env.end(), extra.begin(), extra.end());
  return env;
}

// Sleeps until the file has changed or a moment has passed, whichever is first.
void WaitForChange(const std::string& path) {
  const os::UniqueFd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  inotify_add_watch(watch.get(), path.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
  pollfd wait{watch.get(), POLLIN, 0};
  poll(&wait, 1, 20);
}

}  // namespace

TempDir::TempDir() {
  absl::StatusOr<std::string> made = os::MakeTempDir("grange-test");
  EXPECT_TRUE(made.ok()) << made.status();
  if (made.ok()) path_ = *made;
}

TempDir::~TempDir() {
  if (keep_ || std::getenv("GRANGE_KEEP") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
    std::fprintf(stderr, "kept: %s\n", path_.c_str());
    return;
  }
  os::RemoveTree(path_).IgnoreError();  // the test has said all that it had to say
}

bool Eventually(const std::function<bool()>& done, absl::Duration deadline) {
  const absl::Time until = absl::Now() + deadline;
  while (!done()) {
    if (absl::Now() > until) return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

Program::Program(std::string name, std::vector<std::string> argv, std::string log_path,
                 std::vector<std::string> extra_env)
    : name_(std::move(name)), log_path_(std::move(log_path)) {
  const os::UniqueFd log(open(log_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  os::ChildOptions options;
  options.argv = std::move(argv);
  options.env = TestEnvironment(extra_env);
  options.stdout_fd = log.get();
  options.stderr_fd = log.get();
  absl::StatusOr<os::Child> started = os::Child::Start(options);
  EXPECT_TRUE(started.ok()) << started.status();
  if (started.ok()) child_.emplace(*std::move(started));
}

Program::~Program() = default;

absl::StatusOr<std::string> Program::WaitForLine(const std::string& prefix) {
  const absl::Time until = absl::Now() + kDeadline;
  while (true) {
    const bool running = Running();
    const std::string log = Log();
    for (absl::string_view line : absl::StrSplit(log, '\n')) {
      if (absl::ConsumePrefix(&line, prefix)) return std::string(absl::StripAsciiWhitespace(line));
    }
    if (!running || absl::Now() > until) {
      return absl::UnavailableError(absl::StrCat(
          name_, running ? " did not say '" : " ended without saying '", prefix, "':\n", log));
    }
    WaitForChange(log_path_);
  }
}

void Program::Kill(int signal) {
  if (child_.has_value() && child_->pid() > 0) ::kill(child_->pid(), signal);
}

os::ExitStatus Program::Wait() {
  pollfd wait{child_->pidfd(), POLLIN, 0};
  const int ready = poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(kDeadline)));
  EXPECT_EQ(ready, 1) << name_ << " does not end\n" << Log();
  if (ready != 1) Kill(SIGKILL);
  return child_->Wait();
}

bool Program::Running() {
  if (!child_.has_value() || child_->pid() <= 0) return false;
  pollfd now{child_->pidfd(), POLLIN, 0};
  return poll(&now, 1, 0) == 0;
}

std::string Program::Log() const { return os::ReadFile(log_path_, uint64_t{1} << 30).value_or(""); }

Farm::Farm(Options options) : options_(std::move(options)) {
  if (options_.prepare_state) options_.prepare_state(CoordinatorState());
  StartCoordinator();
}

Farm::~Farm() {
  agents_.clear();
  coordinator_.reset();
  // Shims outlive their agents; those of this farm must not outlive the test.
  for (const pid_t pid : ProcessesWithMark(dir())) kill(pid, SIGKILL);
  const std::string found = FindInFiles(Secrets(), dir());
  EXPECT_EQ(found, "") << "a secret is where it must not be (T6)";
  if (::testing::Test::HasFailure()) std::fprintf(stderr, "%s\n", Logs().c_str());
}

std::vector<Planted> Farm::Secrets() const {
  std::vector<Planted> all = planted_;
  const std::string config = os::ReadFile(CtlConfig()).value_or("");
  const size_t token = config.find("token: \"");
  if (token != std::string::npos) {
    const size_t begin = token + 8;
    all.push_back({.name = "the administrator's token",
                   .value = config.substr(begin, config.find('"', begin) - begin),
                   .may_be_in = {"grangectl.yml"}});
  }
  for (const auto& [name, prefix] : agent_prefixes_) {
    const std::string credential = os::ReadFile(AgentState(name) + "/credential").value_or("");
    if (credential.empty()) continue;
    all.push_back({.name = "the credential of " + name,
                   .value = credential,
                   .may_be_in = {"credential"}});
  }
  return all;
}

std::string Farm::Bin(const std::string& program) { return GRANGE_BIN_DIR "/" + program; }

std::string Farm::LogPath(const std::string& program) {
  if (options_.keep_logs) return absl::StrCat(dir(), "/", program, ".", ++starts_, ".log");
  const std::string log = absl::StrCat(dir(), "/", program, ".log");
  // Each start's "ready" is its own.
  if (os::Exists(log)) {
    rename(log.c_str(), absl::StrCat(dir(), "/", program, ".earlier.log").c_str());
  }
  return log;
}

void Farm::LaunchCoordinator(const std::vector<std::string>& prefix) {
  std::vector<std::string> argv = prefix;
  argv.insert(argv.end(), {Bin("grange-coordinator"), "--state", CoordinatorState(), "--listen",
                           address_.empty() ? "127.0.0.1:0" : address_, "--time-scale",
                           absl::StrCat(options_.time_scale)});
  argv.insert(argv.end(), options_.coordinator_arguments.begin(),
              options_.coordinator_arguments.end());
  coordinator_ = std::make_unique<Program>("coordinator", std::move(argv), LogPath("coordinator"),
                                           options_.coordinator_environment);
}

bool Farm::WaitForCoordinator() {
  const absl::StatusOr<std::string> ready = coordinator_->WaitForLine("ready ");
  if (ready.ok()) address_ = *ready;
  return ready.ok();
}

void Farm::StartCoordinator(const std::vector<std::string>& prefix) {
  LaunchCoordinator(prefix);
  ASSERT_TRUE(WaitForCoordinator()) << coordinator_->Log();
}

void Farm::KillCoordinator(int signal) {
  coordinator_->Kill(signal);
  coordinator_->Wait();
}

void Farm::AddAgent(const AgentOptions& options) {
  const CtlResult token = Ctl({"token", "create", "--registration", "-o", "json"});
  ASSERT_EQ(token.exit_code, 0) << token.err;
  std::vector<std::string> arguments = {
      "register",
      "--state",
      AgentState(options.name),
      "--coordinator",
      options.coordinator.empty() ? address_ : options.coordinator,
      "--token",
      token.json()["token"].get<std::string>(),
      "--slots",
      absl::StrCat(options.slots),
      "--name",
      options.name};
  for (const std::string& tag : options.tags) arguments.insert(arguments.end(), {"--tag", tag});
  if (!options.run_untagged) arguments.push_back("--no-untagged");
  Plant({.name = "the registration token of " + options.name,
         .value = token.json()["token"].get<std::string>()});
  const CtlResult registered = RunProgram("grange-agent", arguments);
  ASSERT_EQ(registered.exit_code, 0) << registered.err;
  agent_prefixes_[options.name] = options.prefix;
  StartAgent(options.name);
}

void Farm::LaunchAgent(const std::string& name, const std::vector<std::string>& prefix) {
  std::vector<std::string> env = options_.agent_environment;
  env.push_back("GRANGE_TEST_MARK=" + dir());
  std::vector<std::string> argv = agent_prefixes_[name];
  argv.insert(argv.end(), prefix.begin(), prefix.end());
  argv.insert(argv.end(), {Bin("grange-agent"), "run", "--state", AgentState(name)});
  argv.insert(argv.end(), options_.agent_arguments.begin(), options_.agent_arguments.end());
  agents_[name] = std::make_unique<Program>(name, std::move(argv), LogPath(name), env);
}

bool Farm::WaitForAgent(const std::string& name) {
  return agents_.at(name)->WaitForLine("ready").ok();
}

void Farm::StartAgent(const std::string& name, const std::vector<std::string>& prefix) {
  LaunchAgent(name, prefix);
  ASSERT_TRUE(WaitForAgent(name)) << agents_.at(name)->Log();
}

void Farm::KillAgent(const std::string& name, int signal) {
  agents_.at(name)->Kill(signal);
  agents_.at(name)->Wait();
}

CtlResult Farm::RunProgram(const std::string& program, std::vector<std::string> arguments,
                           absl::Duration timeout) {
  os::ChildOptions options;
  options.argv = std::move(arguments);
  options.argv.insert(options.argv.begin(),
                      absl::StartsWith(program, "/") ? program : Bin(program));
  options.env = TestEnvironment({});
  const absl::StatusOr<os::RunResult> run = os::Run(options, {}, timeout, size_t{1} << 30);
  if (!run.ok()) return {.exit_code = -1, .out = "", .err = run.status().ToString()};
  return {.exit_code = run->status.exit_code, .out = run->out, .err = run->err};
}

CtlResult Farm::Ctl(std::vector<std::string> arguments, absl::Duration timeout,
                    const std::string& cwd) {
  os::ChildOptions options;
  options.argv = {Bin("grangectl"), "--config", CtlConfig()};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.env = TestEnvironment({});
  options.cwd = cwd;
  const absl::StatusOr<os::RunResult> run = os::Run(options, {}, timeout, size_t{1} << 30);
  if (!run.ok()) return {.exit_code = -1, .out = "", .err = run.status().ToString()};
  return {.exit_code = run->status.exit_code, .out = run->out, .err = run->err};
}

std::unique_ptr<Program> Farm::StartCtl(const std::string& name,
                                        std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {Bin("grangectl"), "--config", CtlConfig()});
  return std::make_unique<Program>(name, std::move(arguments), absl::StrCat(dir(), "/", name));
}

std::string Farm::Git(const std::string& repository, std::vector<std::string> arguments) {
  os::ChildOptions options;
  options.argv = std::move(arguments);
  options.argv.insert(options.argv.begin(), "git");
  options.env = TestEnvironment({});
  options.cwd = repository;
  const absl::StatusOr<os::RunResult> run = os::Run(options);
  EXPECT_TRUE(run.ok() && run->status.ok())
      << (run.ok() ? run->err : std::string(run.status().message()));
  return run.ok() ? std::string(absl::StripAsciiWhitespace(run->out)) : "";
}

std::string Farm::MakeRepository(const std::string& name, const std::string& config,
                                 const std::map<std::string, std::string>& files) {
  const std::string path = absl::StrCat(dir(), "/repos/", name);
  EXPECT_TRUE(os::MakeDirs(path).ok());
  Git(path, {"init", "-q", "-b", "main"});
  std::map<std::string, std::string> all = files;
  all[".gitlab-ci.yml"] = config;
  Commit(path, all, "first");
  return path;
}

void Farm::Commit(const std::string& repository, const std::map<std::string, std::string>& files,
                  const std::string& message) {
  for (const auto& [name, text] : files) {
    const std::string path = absl::StrCat(repository, "/", name);
    EXPECT_TRUE(os::MakeDirs(path.substr(0, path.rfind('/'))).ok());
    EXPECT_TRUE(os::WriteFile(path, text, 0644).ok());
  }
  Git(repository, {"add", "-A"});
  Git(repository, {"commit", "-q", "-m", message});
}

int64_t Farm::Submit(const std::string& repository, std::vector<std::string> more) {
  more.insert(more.begin(), {"submit", repository});
  const CtlResult submitted = Ctl(more);
  EXPECT_EQ(submitted.exit_code, 0) << submitted.err;
  int64_t id = 0;
  EXPECT_TRUE(absl::SimpleAtoi(submitted.out, &id)) << submitted.out << submitted.err;
  return id;
}

std::string Farm::WaitForPipeline(int64_t pipeline) {
  const CtlResult watched = Ctl({"watch", absl::StrCat(pipeline)});
  const CtlResult listed = Ctl({"pipelines", "-o", "json"});
  const nlohmann::json rows = listed.json();
  for (const nlohmann::json& row : rows.value("pipelines", nlohmann::json::array())) {
    if (row.value("id", int64_t{0}) == pipeline) return row.value("status", "");
  }
  return "unknown: " + watched.err + listed.err;
}

nlohmann::json Farm::Job(int64_t pipeline, const std::string& name) {
  const CtlResult listed = Ctl({"jobs", absl::StrCat(pipeline), "-o", "json"});
  const nlohmann::json rows = listed.json();
  if (!rows.is_object()) return {};
  for (const nlohmann::json& row : rows.value("jobs", nlohmann::json::array())) {
    if (row.value("name", "") == name) return row;
  }
  return {};
}

bool Farm::WaitForJob(int64_t pipeline, const std::string& name, const std::string& status) {
  return Eventually([&] {
    const nlohmann::json job = Job(pipeline, name);
    return job.is_object() && job.value("status", "") == status;
  });
}

std::string Farm::Trace(int64_t job) {
  const CtlResult logs = Ctl({"logs", absl::StrCat(job)});
  EXPECT_EQ(logs.exit_code, 0) << logs.err;
  return logs.out;
}

std::string Farm::Logs() const {
  std::string all;
  for (const std::string& name : os::ListDir(dir()).value_or(std::vector<std::string>())) {
    if (!absl::EndsWith(name, ".log")) continue;
    absl::StrAppend(&all, "--- ", name, "\n",
                    os::ReadFile(absl::StrCat(dir(), "/", name), 64 << 20).value_or(""));
  }
  return all;
}

std::string Farm::StopAndFindLeftovers() {
  std::string left;
  for (const auto& [name, agent] : agents_) {
    if (!agent->Running()) continue;
    agent->Kill(SIGTERM);
    const os::ExitStatus status = agent->Wait();
    if (!status.ok()) absl::StrAppend(&left, name, " ended with ", status.ToString(), "\n");
  }
  agents_.clear();
  if (coordinator_ != nullptr && coordinator_->Running()) {
    coordinator_->Kill(SIGTERM);
    const os::ExitStatus status = coordinator_->Wait();
    if (!status.ok()) absl::StrAppend(&left, "coordinator ended with ", status.ToString(), "\n");
  }
  coordinator_.reset();
  // A job's last processes may be on their way out.
  if (!Eventually([&] { return ProcessesWithMark(dir()).empty(); }, absl::Seconds(5))) {
    for (const pid_t pid : ProcessesWithMark(dir())) {
      std::string line = os::ReadFile(absl::StrCat("/proc/", pid, "/cmdline")).value_or("");
      for (char& c : line) c = c == '\0' ? ' ' : c;
      absl::StrAppend(&left, "process ", pid, " is left: ", line, "\n");
    }
  }
  const std::string damage = DatabaseDamage(CoordinatorState() + "/grange.db");
  if (!damage.empty()) absl::StrAppend(&left, "integrity_check: ", damage, "\n");
  return left;
}

std::string Text(const nlohmann::json& object, const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<pid_t> ProcessesWithMark(const std::string& mark) {
  std::vector<pid_t> found;
  for (const std::string& name : os::ListDir("/proc").value_or(std::vector<std::string>())) {
    int pid = 0;
    if (!absl::SimpleAtoi(name, &pid) || pid == getpid()) continue;
    for (const absl::string_view file : {"environ", "cmdline"}) {
      const std::string text =
          os::ReadFile(absl::StrCat("/proc/", pid, "/", file), 8 << 20).value_or("");
      if (!absl::StrContains(text, mark)) continue;
      found.push_back(pid);
      break;
    }
  }
  return found;
}

}  // namespace grange::test
