// pipelines, commits, watch, cancel, retry.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/text/duration_text.h"
#include "tools/ctl/command.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/request_key.h"
#include "tools/ctl/table.h"
#include "tools/ctl/time_text.h"
#include "tools/ctl/watch.h"

namespace grange::ctl {
namespace {

constexpr int kListedDefault = 20;
constexpr int kListedMax = 1000;

struct ListOptions {
  int limit = kListedDefault;
};

struct PipelineOptions {
  int64_t pipeline = 0;
  bool force = false;
  std::string request_key;
};

std::string StatusCell(const v1::Pipeline& pipeline) {
  const std::string status = absl::StrCat(pipeline.status(), pipeline.pinned() ? ", pinned" : "");
  if (pipeline.agent_unreachable_since_ms() == 0) return status;
  return absl::StrCat(status, ", agent unreachable since ",
                      ClockText(absl::FromUnixMillis(pipeline.agent_unreachable_since_ms())));
}

absl::StatusOr<ExitCode> ListPipelines(Context& context, const ListOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  v1::ListPipelinesRequest request;
  request.set_project(context.globals().project);
  request.set_limit(options.limit);
  GRANGE_ASSIGN_OR_RETURN(const v1::ListPipelinesReply reply,
                          client->Call(&v1::Control::Stub::ListPipelines, request));
  if (context.json()) {
    Json list = Json::array();
    for (const v1::Pipeline& p : reply.pipelines()) list.push_back(PipelineJson(p));
    context.PrintJson({{"pipelines", std::move(list)}});
    return kExitDone;
  }
  Table table({{"ID", Table::Align::kRight},
               {"STATUS"},
               {"PROJECT"},
               {"REF"},
               {"COMMIT"},
               {"DURATION", Table::Align::kRight},
               {"COVERAGE", Table::Align::kRight},
               {"CREATED"},
               {"TITLE"}});
  const absl::Time now = absl::Now();
  for (const v1::Pipeline& p : reply.pipelines()) {
    table.AddRow({absl::StrCat(p.id()),
                  {StatusCell(p), StatusColour(p.status())},
                  p.project(),
                  p.ref_name(),
                  p.sha().substr(0, 8),
                  p.started_ms() == 0
                      ? ""
                      : text::FormatDuration(Elapsed(p.started_ms(), p.finished_ms(), now)),
                  p.has_coverage() ? CoverageText(p.coverage()) : "",
                  Ago(p.created_ms(), now),
                  p.title()});
  }
  context.Print(table.ToString(context.out()));
  return kExitDone;
}

absl::StatusOr<ExitCode> ListCommits(Context& context, const ListOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  v1::ListCommitsRequest request;
  request.set_project(context.globals().project);
  request.set_limit(options.limit);
  GRANGE_ASSIGN_OR_RETURN(const v1::ListCommitsReply reply,
                          client->Call(&v1::Control::Stub::ListCommits, request));
  if (context.json()) {
    Json list = Json::array();
    for (const v1::Commit& c : reply.commits()) list.push_back(CommitJson(c));
    context.PrintJson({{"commits", std::move(list)}});
    return kExitDone;
  }
  Table table({{"COMMIT"},
               {"PROJECT"},
               {"REF"},
               {"STATUS"},
               {"DURATION", Table::Align::kRight},
               {"COVERAGE", Table::Align::kRight},
               {"PIPELINE", Table::Align::kRight},
               {"TITLE"}});
  for (const v1::Commit& c : reply.commits()) {
    table.AddRow({c.sha().substr(0, 8),
                  c.project(),
                  c.ref_name(),
                  {c.status(), StatusColour(c.status())},
                  c.has_duration() ? text::FormatDuration(absl::Milliseconds(c.duration_ms())) : "",
                  c.has_coverage() ? CoverageText(c.coverage()) : "",
                  absl::StrCat(c.pipeline_id()),
                  c.title()});
  }
  context.Print(table.ToString(context.out()));
  return kExitDone;
}

absl::StatusOr<ExitCode> Watch(Context& context, const PipelineOptions& options) {
  return WatchPipeline(context, options.pipeline);
}

absl::StatusOr<ExitCode> Act(Context& context, const PipelineOptions& options,
                             grpc::Status (v1::Control::Stub::*method)(grpc::ClientContext*,
                                                                       const v1::PipelineAction&,
                                                                       v1::ActionReply*)) {
  v1::PipelineAction request;
  GRANGE_ASSIGN_OR_RETURN(*request.mutable_request_key(), RequestKey(options.request_key));
  request.set_pipeline_id(options.pipeline);
  request.set_force(options.force);
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ActionReply reply, client->Call(method, request));
  if (context.json()) {
    context.PrintJson({{"pipeline_id", options.pipeline}, {"message", reply.message()}});
  } else {
    context.Print(absl::StrCat(Printable(reply.message()), "\n"));
  }
  return kExitDone;
}

absl::StatusOr<ExitCode> Cancel(Context& context, const PipelineOptions& options) {
  return Act(context, options, &v1::Control::Stub::CancelPipeline);
}

absl::StatusOr<ExitCode> Retry(Context& context, const PipelineOptions& options) {
  return Act(context, options, &v1::Control::Stub::RetryPipeline);
}

void AddLimit(CLI::App* command, int& limit) {
  command->add_option("-n,--limit", limit, "how many are listed, the newest first (default 20)")
      ->type_name("N")
      ->check(CLI::Range(1, kListedMax));
}

void AddPipeline(CLI::App* command, int64_t& pipeline) {
  command->add_option("pipeline", pipeline, "the pipeline's id")
      ->required()
      ->type_name("PIPELINE")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 53));
}

}  // namespace

void AddPipelineCommands(const CommandTree& tree) {
  const auto list = std::make_shared<ListOptions>();
  CLI::App* pipelines = tree.Add(
      tree.root, "pipelines", "list pipelines, the newest first",
      "Lists the newest pipelines of the project given with --project, or of all projects.\n\n"
      "Examples:\n  grangectl pipelines\n  grangectl pipelines --project portal -o json");
  AddLimit(pipelines, list->limit);
  tree.OnRun(pipelines, list, &ListPipelines);

  CLI::App* commits = tree.Add(
      tree.root, "commits", "list commits with their status and coverage",
      "Lists commits, the newest first, each with the state of its newest pipeline, the time it "
      "took and its coverage.\n\n"
      "Examples:\n  grangectl commits --project portal\n  grangectl commits -n 100 -o json");
  AddLimit(commits, list->limit);
  tree.OnRun(commits, list, &ListCommits);

  const auto one = std::make_shared<PipelineOptions>();
  CLI::App* watch = tree.Add(
      tree.root, "watch", "follow a pipeline until it has ended",
      "Shows the stages and jobs of a pipeline, their states and the end of the running job's log; "
      "on a terminal in place, on a pipe as a line for each change. Ends when the pipeline has "
      "ended, or when only a person can go on: then it names the command. A restart of the "
      "coordinator is waited for.\n\n"
      "The exit status is 0 if nothing failed, else 1. Ctrl-C leaves the pipeline running (exit "
      "status 130).\n\n"
      "Examples:\n  grangectl watch 12");
  AddPipeline(watch, one->pipeline);
  tree.OnRun(watch, one, &Watch);

  CLI::App* cancel = tree.Add(
      tree.root, "cancel", "cancel a pipeline",
      "Cancels all jobs of a pipeline that have not ended. A running job gets SIGTERM and, after a "
      "grace period, SIGKILL; its after_script still runs. With --force running jobs are killed at "
      "once, also those that are being canceled, and no after_script runs.\n\n"
      "Examples:\n  grangectl cancel 12\n  grangectl cancel --force 12");
  AddPipeline(cancel, one->pipeline);
  cancel->add_flag("--force", one->force, "kill running jobs at once");
  AddRequestKeyOption(cancel, one->request_key);
  tree.OnRun(cancel, one, &Cancel);

  CLI::App* retry = tree.Add(
      tree.root, "retry", "run the failed and canceled jobs of a pipeline again",
      "Gives each failed or canceled job of a pipeline another attempt, and what was skipped "
      "because of them another chance.\n\nExamples:\n  grangectl retry 12 && grangectl watch 12");
  AddPipeline(retry, one->pipeline);
  AddRequestKeyOption(retry, one->request_key);
  tree.OnRun(retry, one, &Retry);
}

}  // namespace grange::ctl
