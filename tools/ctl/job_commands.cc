// jobs, job, logs, why, play, cancel-job, retry-job.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/text/duration_text.h"
#include "tools/ctl/command.h"
#include "tools/ctl/job_text.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/logs.h"
#include "tools/ctl/request_key.h"
#include "tools/ctl/table.h"
#include "tools/ctl/time_text.h"

namespace grange::ctl {
namespace {

constexpr int kListedDefault = 100;
constexpr int kListedMax = 10000;

struct ListOptions {
  int64_t pipeline = 0;
  int limit = kListedDefault;
};

struct JobOptions {
  int64_t job = 0;
  bool follow = false;
  bool timestamps = false;
  int attempt = 0;
  bool force = false;
  std::string request_key;
};

std::string DurationCell(const v1::Job& job, absl::Time now) {
  if (job.started_ms() == 0) return "";
  return text::FormatDuration(Elapsed(job.started_ms(), job.finished_ms(), now));
}

std::string ReasonCell(const v1::Job& job) {
  if (job.status() == "failed") return FailureText(job);
  const std::string note = NoteText(job);
  return note.empty() ? job.detail() : note;
}

absl::StatusOr<ExitCode> ListJobs(Context& context, const ListOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  v1::ListJobsRequest request;
  request.set_pipeline_id(options.pipeline);
  request.set_project(context.globals().project);
  request.set_limit(options.limit);
  GRANGE_ASSIGN_OR_RETURN(const v1::ListJobsReply reply,
                          client->Call(&v1::Control::Stub::ListJobs, request));
  if (context.json()) {
    Json list = Json::array();
    for (const v1::Job& job : reply.jobs()) list.push_back(JobJson(job));
    context.PrintJson({{"jobs", std::move(list)}});
    return kExitDone;
  }
  Table table({{"ID", Table::Align::kRight},
               {"PIPELINE", Table::Align::kRight},
               {"STAGE"},
               {"NAME"},
               {"STATUS"},
               {"AGENT"},
               {"DURATION", Table::Align::kRight},
               {"COVERAGE", Table::Align::kRight},
               {"REASON"}});
  const absl::Time now = absl::Now();
  for (const v1::Job& job : reply.jobs()) {
    table.AddRow({absl::StrCat(job.id()),
                  absl::StrCat(job.pipeline_id()),
                  job.stage(),
                  job.name(),
                  {StatusText(job), StatusColour(job.status())},
                  job.agent(),
                  DurationCell(job, now),
                  job.has_coverage() ? CoverageText(job.coverage()) : "",
                  ReasonCell(job)});
  }
  context.Print(table.ToString(context.out()));
  return kExitDone;
}

absl::StatusOr<v1::Job> GetJob(Context& context, int64_t id) {
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  v1::JobRef request;
  request.set_job_id(id);
  return client->Call(&v1::Control::Stub::GetJob, request);
}

// "1.4 s of processor time, 22 MiB in its largest process"; "" before anything is known.
std::string UsedText(const v1::Job& job) {
  if (job.max_rss_bytes() == 0) return "";
  return absl::StrCat(static_cast<double>(job.cpu_ms()) / 1000.0, " s of processor time, ",
                      (job.max_rss_bytes() + (1 << 19)) >> 20, " MiB in its largest process");
}

std::string RemovedText(int64_t at_ms, absl::string_view limit) {
  return absl::StrCat("removed on ", Rfc3339(at_ms).substr(0, 10), " by retention (", limit, ")");
}

absl::StatusOr<ExitCode> ShowJob(Context& context, const JobOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(const v1::Job job, GetJob(context, options.job));
  if (context.json()) {
    context.PrintJson(JobWithAttemptsJson(job));
    return kExitDone;
  }
  std::string out;
  const auto line = [&](absl::string_view name, absl::string_view value) {
    if (value.empty()) return;
    absl::StrAppend(&out, name, std::string(12 - name.size(), ' '), Printable(value), "\n");
  };
  const absl::Time now = absl::Now();
  line("job", absl::StrCat(job.id(), " ", job.name()));
  line("pipeline", absl::StrCat(job.pipeline_id(), job.pinned() ? " (pinned)" : ""));
  line("stage", job.stage());
  line("status", StatusText(job));
  if (job.status() == "failed") line("reason", FailureText(job));
  if (job.status() != "failed") line("detail", job.detail());
  line("note", NoteText(job));
  line("agent", job.agent());
  line("tags", absl::StrJoin(job.tags(), ", "));
  if (job.has_needs()) line("needs", absl::StrJoin(job.needs(), ", "));
  if (job.has_coverage()) line("coverage", CoverageText(job.coverage()));
  line("duration", DurationCell(job, now));
  if (job.created_ms() != 0) line("created", Rfc3339(job.created_ms()));
  if (job.started_ms() != 0) line("started", Rfc3339(job.started_ms()));
  if (job.finished_ms() != 0) line("finished", Rfc3339(job.finished_ms()));
  line("used", UsedText(job));
  line("log", absl::StrCat(job.trace_bytes(), " bytes",
                           job.dropped_bytes() == 0
                               ? ""
                               : absl::StrCat(", ", job.dropped_bytes(), " more were dropped")));
  for (const v1::Attempt& a : job.attempts()) {
    line(absl::StrCat("attempt ", a.number()),
         absl::StrCat(a.status(), a.agent().empty() ? "" : absl::StrCat(" on ", a.agent()),
                      a.failure_reason().empty() ? "" : absl::StrCat(", ", a.failure_reason()),
                      a.exit_code() == 0 ? "" : absl::StrCat(", exit status ", a.exit_code()),
                      a.detail().empty() ? "" : absl::StrCat(", ", a.detail()),
                      a.dropped_bytes() == 0
                          ? ""
                          : absl::StrCat(", ", a.dropped_bytes(), " bytes of its log dropped"),
                      a.trace_removed_ms() == 0
                          ? ""
                          : absl::StrCat(", log ", RemovedText(a.trace_removed_ms(),
                                                               a.trace_removed_by()))));
  }
  for (const v1::Artifact& a : job.artifacts()) {
    line("artifacts",
         absl::StrCat(a.name(), a.name().empty() ? "" : ", ", a.size(), " bytes, of attempt ",
                      a.attempt(),
                      a.expires_ms() == 0 ? "" : absl::StrCat(", until ", Rfc3339(a.expires_ms())),
                      a.removed_ms() == 0
                          ? ""
                          : absl::StrCat(", ", RemovedText(a.removed_ms(), a.removed_by()))));
  }
  context.Print(out);
  return kExitDone;
}

absl::StatusOr<ExitCode> ShowLog(Context& context, const JobOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(Client* const client,
                          context.client(options.follow ? Amount::kLittle : Amount::kMuch));
  return WriteLog(context, *client,
                  {.job = options.job,
                   .attempt = options.attempt,
                   .follow = options.follow,
                   .timestamps = options.timestamps});
}

absl::StatusOr<ExitCode> ShowWhy(Context& context, const JobOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  v1::JobRef request;
  request.set_job_id(options.job);
  GRANGE_ASSIGN_OR_RETURN(const v1::WhyReply reply, client->Call(&v1::Control::Stub::Why, request));
  if (context.json()) {
    Json reasons = Json::array();
    for (const std::string& reason : reply.reasons()) reasons.push_back(reason);
    context.PrintJson(
        {{"job_id", options.job},
         {"status", reply.status()},
         {"reasons", std::move(reasons)},
         {"next_step", reply.next_step().empty() ? Json(nullptr) : Json(reply.next_step())}});
    return kExitDone;
  }
  std::string out = absl::StrCat("job ", options.job, " is ", reply.status());
  for (const std::string& reason : reply.reasons())
    absl::StrAppend(&out, "\n  ", Printable(reason));
  if (!reply.next_step().empty()) absl::StrAppend(&out, "\nnext: ", Printable(reply.next_step()));
  context.Print(absl::StrCat(out, "\n"));
  return kExitDone;
}

absl::StatusOr<ExitCode> Act(Context& context, const JobOptions& options,
                             grpc::Status (v1::Control::Stub::*method)(grpc::ClientContext*,
                                                                       const v1::JobAction&,
                                                                       v1::ActionReply*)) {
  v1::JobAction request;
  GRANGE_ASSIGN_OR_RETURN(*request.mutable_request_key(), RequestKey(options.request_key));
  request.set_job_id(options.job);
  request.set_force(options.force);
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ActionReply reply, client->Call(method, request));
  if (context.json()) {
    context.PrintJson({{"job_id", options.job}, {"message", reply.message()}});
  } else {
    context.Print(absl::StrCat(Printable(reply.message()), "\n"));
  }
  return kExitDone;
}

absl::StatusOr<ExitCode> Play(Context& context, const JobOptions& options) {
  return Act(context, options, &v1::Control::Stub::PlayJob);
}
absl::StatusOr<ExitCode> Cancel(Context& context, const JobOptions& options) {
  return Act(context, options, &v1::Control::Stub::CancelJob);
}
absl::StatusOr<ExitCode> Retry(Context& context, const JobOptions& options) {
  return Act(context, options, &v1::Control::Stub::RetryJob);
}

CLI::App* AddJobCommand(const CommandTree& tree, const std::string& name,
                        const std::string& summary, const std::string& details,
                        JobOptions& options) {
  CLI::App* command = tree.Add(tree.root, name, summary, details);
  command->add_option("job", options.job, "the job's id, as 'grangectl jobs' shows it")
      ->required()
      ->type_name("JOB")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 53));
  return command;
}

}  // namespace

void AddJobCommands(const CommandTree& tree) {
  const auto list = std::make_shared<ListOptions>();
  CLI::App* jobs = tree.Add(
      tree.root, "jobs", "list jobs, of one pipeline or the newest",
      "Lists the jobs of a pipeline in the order of its stages; without one the newest jobs of the "
      "project given with --project, or of all projects.\n\n"
      "Examples:\n  grangectl jobs 12\n  grangectl jobs -o json");
  jobs->add_option("pipeline", list->pipeline, "the pipeline's id")
      ->type_name("PIPELINE")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 53));
  jobs->add_option("-n,--limit", list->limit, "how many are listed (default 100)")
      ->type_name("N")
      ->check(CLI::Range(1, kListedMax));
  tree.OnRun(jobs, list, &ListJobs);

  const auto one = std::make_shared<JobOptions>();
  tree.OnRun(AddJobCommand(tree, "job", "show one job and its attempts",
                           "Shows all that is known of a job: state, agent, times, coverage, "
                           "attempts.\n\nExamples:\n  grangectl job 31\n  grangectl job 31 -o json",
                           *one),
             one, &ShowJob);

  CLI::App* logs = AddJobCommand(
      tree, "logs", "write a job's log",
      "Writes exactly the bytes that the job printed (masked values as [MASKED]), of its newest "
      "attempt, to stdout, also with -o json. With --follow it goes on until the job has ended; a "
      "restart of the coordinator neither loses nor repeats a byte.\n\n"
      "With --timestamps each line begins with the time at which it was printed, by the clock of "
      "the "
      "job's agent and in the local time zone (TZ). The times are exact to 100 ms, to more in a "
      "job "
      "that prints for longer than a quarter of an hour. Lines of which none is known, as of an "
      "older agent, get dashes.\n\n"
      "Examples:\n  grangectl logs 31\n  grangectl logs 31 -f | grep -i error\n"
      "  grangectl logs 31 --timestamps",
      *one);
  logs->add_flag("-f,--follow", one->follow, "go on until the job has ended");
  logs->add_flag("--timestamps", one->timestamps, "begin each line with its time");
  logs->add_option("--attempt", one->attempt, "another attempt than the newest")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 30));
  tree.OnRun(logs, one, &ShowLog);

  tree.OnRun(
      AddJobCommand(tree, "why", "say why a job waits, or ended as it did",
                    "Names each reason why a job has not started (no agent has its tags, all "
                    "slots are busy, a stage is not finished, it is manual) or why it "
                    "ended, and the next step.\n\nExamples:\n  grangectl why 31",
                    *one),
      one, &ShowWhy);

  struct Verb {
    const char* name;
    const char* summary;
    const char* details;
    absl::StatusOr<ExitCode> (*action)(Context&, const JobOptions&);
  };
  for (const Verb& verb :
       {Verb{"play", "start a manual job",
             "Starts a job that waits for a person (when: manual), or a delayed one now.\n\n"
             "Examples:\n  grangectl play 32",
             &Play},
        Verb{
            "cancel-job", "cancel one job",
            "Cancels a job that has not ended. A running one gets SIGTERM and, after a grace "
            "period, SIGKILL; its after_script still runs. With --force it is killed at once, also "
            "while it is being canceled, and its after_script doesn't run.\n\n"
            "Examples:\n  grangectl cancel-job 31\n  grangectl cancel-job --force 31",
            &Cancel},
        Verb{"retry-job", "run a job that has ended again",
             "Gives a job that has ended another attempt; its log begins anew, the older ones "
             "stay.\n\nExamples:\n  grangectl retry-job 31",
             &Retry}}) {
    CLI::App* command = AddJobCommand(tree, verb.name, verb.summary, verb.details, *one);
    if (verb.action == &Cancel) command->add_flag("--force", one->force, "kill it at once");
    AddRequestKeyOption(command, one->request_key);
    tree.OnRun(command, one, verb.action);
  }
}

}  // namespace grange::ctl
