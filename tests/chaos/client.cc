#include "tests/chaos/client.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"

namespace grange::chaos {
namespace {

using nlohmann::json;
using test::CtlResult;
using test::Eventually;
using test::Text;

constexpr uint64_t kDicePart = 2;
// How long the farm may take for one answer, and for a pipeline, faults included.
constexpr absl::Duration kAnswerMax = absl::Minutes(3);
constexpr absl::Duration kPipelineMax = absl::Minutes(6);

bool HasEnded(const std::string& status) {
  return status == "success" || status == "failed" || status == "canceled" || status == "skipped";
}

json JobsIn(const std::string& answer) {
  const json parsed = json::parse(answer, nullptr, false);
  if (!parsed.is_object()) return json::array();
  return parsed.value("jobs", json::array());
}

}  // namespace

// `grangectl logs -f` in the background.
struct Client::Follower {
  const ChaosJob* job = nullptr;
  int64_t id = 0;
  std::string path;
  std::optional<os::Child> process;
};

Client::Client(test::Farm& farm, const Excuses& excuses, Ledger& ledger, Options options)
    : farm_(farm), excuses_(excuses), ledger_(ledger), options_(std::move(options)) {
  thread_ = std::thread([this] { Run(); });
}

Client::~Client() { Finish(); }

void Client::Finish() {
  finishing_ = true;
  if (thread_.joinable()) thread_.join();
}

void Client::Run() {
  for (int round = 0; !finishing_; ++round) RunPipeline(round);
}

void Client::RunPipeline(int round) {
  Dice dice(options_.seed, kDicePart + static_cast<uint64_t>(options_.number),
            static_cast<uint64_t>(round));
  const uint64_t seed = dice.Next() >> 1;
  const int64_t pipeline = Submit(seed, round);
  if (pipeline == 0) return ledger_.NoteLost("a pipeline could not be submitted");
  const std::unique_ptr<Follower> follower = Follow(pipeline, dice);
  const json jobs = WaitForJobs(pipeline);
  if (jobs.is_null()) return;
  ledger_.NotePipeline();
  for (const ChaosJob& job : ChaosJobs()) {
    const auto row = std::find_if(jobs.begin(), jobs.end(), [&](const json& other) {
      return Text(other, "name") == job.name;
    });
    if (row == jobs.end()) {
      ledger_.NoteLost(absl::StrCat("pipeline ", pipeline, " has no job '", job.name, "'"));
    } else if (Text(*row, "status") != "skipped") {  // what it needs has failed, and is judged
      Check(job, seed, row->value("id", int64_t{0}));
    }
  }
  if (follower != nullptr) CheckFollowed(*follower, seed);
}

int64_t Client::Submit(uint64_t seed, int round) {
  // The same key each time: a submit whose answer was cut off is repeated, and makes one pipeline.
  const std::string key = absl::StrFormat("%016x%08x%08x", seed, options_.number, round);
  const std::vector<std::string> submit = {"submit",        options_.repository,
                                           "--request-key", key,
                                           "--var",         "CHAOS_JOB=" + options_.job_program,
                                           "--var",         absl::StrCat("CHAOS_SEED=", seed),
                                           "--var",         "CHAOS_STARTS=" + options_.starts};
  int64_t pipeline = 0;
  const std::string answer = Ask(submit);
  return absl::SimpleAtoi(absl::StripAsciiWhitespace(answer), &pipeline) ? pipeline : 0;
}

std::string Client::Ask(const std::vector<std::string>& arguments) {
  CtlResult answer;
  const bool answered = Eventually(
      [&] {
        answer = farm_.Ctl(arguments);
        return answer.exit_code == 0;
      },
      kAnswerMax);
  if (answered) return answer.out;
  ledger_.NoteOther(absl::StrCat("no answer to grangectl ", arguments[0], ": ", answer.err));
  return "";
}

std::unique_ptr<Client::Follower> Client::Follow(int64_t pipeline, Dice& dice) {
  const json jobs = JobsIn(Ask({"jobs", absl::StrCat(pipeline), "-o", "json"}));
  auto follower = std::make_unique<Follower>();
  follower->job = &ChaosJobs()[dice.Below(ChaosJobs().size())];
  for (const json& row : jobs) {
    if (Text(row, "name") == follower->job->name) follower->id = row.value("id", int64_t{0});
  }
  if (follower->id == 0) return nullptr;
  follower->path = absl::StrCat(farm_.dir(), "/followed-", follower->id);
  const os::UniqueFd out(
      open(follower->path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const os::UniqueFd err(
      open((follower->path + ".err").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  os::ChildOptions options;
  options.argv = {test::Farm::Bin("grangectl"), "--config", farm_.CtlConfig(), "logs",
                  absl::StrCat(follower->id),   "-f"};
  options.stdout_fd = out.get();
  options.stderr_fd = err.get();
  absl::StatusOr<os::Child> started = os::Child::Start(options);
  if (!started.ok()) return nullptr;
  follower->process.emplace(*std::move(started));
  return follower;
}

json Client::WaitForJobs(int64_t pipeline) {
  json jobs;
  const bool ended = Eventually(
      [&] {
        // Returns with the end of the pipeline, or when it has waited for the coordinator for too
        // long.
        farm_.Ctl({"watch", absl::StrCat(pipeline)}, kAnswerMax);
        jobs = JobsIn(Ask({"jobs", absl::StrCat(pipeline), "-o", "json"}));
        return !jobs.empty() && std::all_of(jobs.begin(), jobs.end(), [](const json& job) {
          return HasEnded(Text(job, "status"));
        });
      },
      kPipelineMax);
  if (ended) return jobs;
  for (const json& job : jobs) {
    if (HasEnded(Text(job, "status"))) continue;
    ledger_.NoteLost(absl::StrCat("pipeline ", pipeline, " has not ended: job ",
                                  job.value("id", int64_t{0}), " '", Text(job, "name"), "' is ",
                                  Text(job, "status")));
  }
  return json();
}

int Client::TakeStarts(const std::string& folder) {
  int starts = 0;
  const std::vector<std::string> marks =
      os::ListDir(options_.starts).value_or(std::vector<std::string>());
  for (const std::string& mark : marks) {
    if (mark != folder && !absl::StartsWith(mark, folder + ".twice.")) continue;
    ++starts;
    unlink(absl::StrCat(options_.starts, "/", mark).c_str());
  }
  return starts;
}

void Client::Check(const ChaosJob& job, uint64_t seed, int64_t id) {
  const json shown = json::parse(Ask({"job", absl::StrCat(id), "-o", "json"}), nullptr, false);
  if (!shown.is_object()) return;
  JobFacts facts;
  facts.id = id;
  facts.status = Text(shown, "status");
  for (const json& row : shown.value("attempts", json::array())) {
    AttemptFacts attempt;
    attempt.number = row.value("number", 0);
    attempt.status = Text(row, "status");
    attempt.reason = Text(row, "failure_reason");
    attempt.agent = Text(row, "agent");
    attempt.log = Ask({"logs", absl::StrCat(id), "--attempt", absl::StrCat(attempt.number)});
    attempt.starts = TakeStarts(absl::StrCat(id, "-", attempt.number));
    facts.attempts.push_back(std::move(attempt));
  }
  for (const std::string& mark :
       os::ListDir(options_.starts).value_or(std::vector<std::string>())) {
    if (absl::StartsWith(mark, absl::StrCat(id, "-"))) ++facts.strange_starts;
  }
  const Verdict verdict = Judge(job, seed, facts, [&](const AttemptFacts& attempt) {
    return excuses_.Explain(absl::StrCat(id, "-", attempt.number), attempt.agent, attempt.reason,
                            attempt.starts > 0);
  });
  ledger_.NoteJob(static_cast<int>(facts.attempts.size()), verdict);
}

void Client::CheckFollowed(Follower& follower, uint64_t seed) {
  std::optional<os::ExitStatus> status;
  Eventually([&] { return (status = follower.process->TryWait()).has_value(); });
  const std::string log = os::ReadFile(follower.path, uint64_t{1} << 30).value_or("");
  const std::string name =
      absl::StrCat("followed log of job ", follower.id, " '", follower.job->name, "'");
  if (!status.has_value()) return ledger_.NoteFollowed(name + " does not end");
  // A grangectl that has not reached the coordinator once gives up: nobody followed.
  if (!status->ok() && log.empty()) return;
  // It was begun at one attempt, which a fault may have ended; not at the only one.
  const json job =
      json::parse(Ask({"job", absl::StrCat(follower.id), "-o", "json"}), nullptr, false);
  const bool only_one = job.is_object() && job.value("attempts", json::array()).size() == 1;
  std::string difference = LogDifference(*follower.job, seed, log, /*whole=*/only_one);
  if (!difference.empty()) {
    const std::string as_whole = LogDifference(*follower.job, seed, log, /*whole=*/true);
    if (as_whole.empty()) difference.clear();
  }
  if (!status->ok() && difference.empty()) {
    difference =
        absl::StrCat(status->ToString(), " ", os::ReadFile(follower.path + ".err").value_or(""));
  }
  if (difference.empty()) {
    unlink(follower.path.c_str());
    unlink((follower.path + ".err").c_str());
    return ledger_.NoteFollowed("");
  }
  ledger_.NoteFollowed(absl::StrCat(name, ": ", difference));
}

}  // namespace grange::chaos
