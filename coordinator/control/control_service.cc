#include "coordinator/control/control_service.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/rpc/channel.h"
#include "common/rpc/status.h"
#include "common/rpc/token_text.h"
#include "coordinator/control/contact_note.h"
#include "coordinator/control/convert.h"
#include "coordinator/session/control_stream.h"
#include "coordinator/session/git_stream.h"

namespace grange::control {
namespace {

constexpr int kRowsMax = 1000;
constexpr int kRowsDefault = 20;
constexpr int kSubmitVariablesMax = 1000;

int Limit(int wanted) { return wanted <= 0 ? kRowsDefault : std::min(wanted, kRowsMax); }

SubmitOrder ToOrder(const v1::SubmitRequest& request, const std::string& key, store::Actor actor) {
  SubmitOrder order;
  order.request_key = key;
  order.actor = std::move(actor);
  order.project = request.project();
  order.sha = request.sha();
  order.ref_name = request.ref_name();
  order.is_tag = request.is_tag();
  order.url = request.url();
  order.file = request.file();
  order.event = request.event();
  for (const v1::Variable& variable : request.variables()) {
    order.variables.emplace_back(variable.name(), variable.value());
  }
  for (const v1::Variable& input : request.inputs()) {
    order.inputs.emplace_back(input.name(), input.value());
  }
  order.before_sha = request.before_sha();
  order.default_branch = request.default_branch();
  return order;
}

v1::SubmitReply::Outcome ToProto(SubmitAnswer::Outcome outcome) {
  switch (outcome) {
    case SubmitAnswer::Outcome::kCreated:
      return v1::SubmitReply::OUTCOME_CREATED;
    case SubmitAnswer::Outcome::kNeedObjects:
      return v1::SubmitReply::OUTCOME_NEED_OBJECTS;
    case SubmitAnswer::Outcome::kNoJobs:
      return v1::SubmitReply::OUTCOME_NO_JOBS;
    case SubmitAnswer::Outcome::kInvalid:
      return v1::SubmitReply::OUTCOME_INVALID;
  }
  return v1::SubmitReply::OUTCOME_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<User> ControlService::Caller(grpc::ServerContext& context, Role needed) {
  if (!parts_.backend.ReadOnlyReason().empty()) {
    context.AddTrailingMetadata(
        rpc::kNoticeKey,
        "the coordinator's disk is full: nothing goes on until there is space in its state "
        "directory");
  }
  const std::string token = session::BearerOf(context);
  const std::string hash = rpc::TokenHash(token);
  const std::string peer = rpc::PeerAddress(context.peer());
  const absl::Duration now = parts_.clock.SinceBoot();
  if (!token.empty()) GRANGE_RETURN_IF_ERROR(parts_.guesses.Admit(peer, hash, now));
  absl::StatusOr<User> user = Authorize(parts_.store, token, needed, parts_.clock.Now());
  if (user.ok()) {
    parts_.guesses.Right(peer, hash, now);
  } else if (absl::IsNotFound(parts_.store.FindToken(hash).status()) && !token.empty()) {
    session::AlarmIfGuessed(parts_.guesses, peer, now);  // one that is revoked was no guess
  }
  return user;
}

absl::Status ControlService::CheckWritable() const {
  const std::string reason = parts_.backend.ReadOnlyReason();
  if (reason.empty()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the coordinator can't store anything new: ", reason,
                   "; free space on the disk of its state directory and try again"));
}

session::OpenCalls::Call ControlService::Open(grpc::ServerContext& context) {
  return session::OpenCalls::Call(parts_.calls, rpc::TokenHash(session::BearerOf(context)),
                                  context);
}

store::Actor ControlService::ActorOf(const grpc::ServerContext& context, const User& user,
                                     absl::string_view call) {
  return {.user = user.name,
          .token = user.token,
          .peer = rpc::PeerAddress(context.peer()),
          .call = std::string(call)};
}

grpc::Status ControlService::Act(grpc::ServerContext& context, absl::string_view call, Role needed,
                                 const std::string& request_key, v1::ActionReply* reply,
                                 const Work& work) {
  const absl::StatusOr<User> caller = Caller(context, needed);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  if (const absl::Status full = CheckWritable(); !full.ok()) return rpc::ToGrpc(full);
  const absl::StatusOr<std::string> key = BindKey(call, *caller, request_key);
  if (!key.ok()) return rpc::ToGrpc(key.status());
  const KeyGate::Turn turn(keys_, *key);
  if (!key->empty()) {
    const absl::StatusOr<std::optional<std::string>> earlier = parts_.store.FindAnswer(*key);
    if (!earlier.ok()) return rpc::ToGrpc(earlier.status());
    if (earlier->has_value()) {
      reply->set_message(**earlier);
      return grpc::Status::OK;
    }
  }
  absl::StatusOr<std::string> answer =
      work({.key = *key, .text = "", .actor = ActorOf(context, *caller, call)});
  if (!answer.ok()) return rpc::ToGrpc(answer.status());
  log::Info("changed", {{"by", caller->name}, {"what", *answer}});
  reply->set_message(*std::move(answer));
  return grpc::Status::OK;
}

absl::StatusOr<std::string> ControlService::Request(const schedule::Event& event,
                                                    const store::Answer& draft, std::string text) {
  GRANGE_RETURN_IF_ERROR(parts_.backend.Request(event, draft.WithText(text)));
  return text;
}

absl::StatusOr<ProjectId> ControlService::ProjectFilter(const std::string& name) {
  if (name.empty()) return ProjectId();
  GRANGE_ASSIGN_OR_RETURN(const store::Project project, parts_.store.FindProject(name));
  return project.id;
}

grpc::Status ControlService::Submit(grpc::ServerContext* context, const v1::SubmitRequest* request,
                                    v1::SubmitReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kDeveloper);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  if (const absl::Status full = CheckWritable(); !full.ok()) return rpc::ToGrpc(full);
  if (request->variables_size() > kSubmitVariablesMax ||
      request->inputs_size() > kSubmitVariablesMax) {
    return rpc::ToGrpc(absl::InvalidArgumentError(absl::StrCat(
        "a submit has at most ", kSubmitVariablesMax, " variables and as many inputs")));
  }
  const absl::StatusOr<std::string> key = BindKey("submit", *caller, request->request_key());
  if (!key.ok()) return rpc::ToGrpc(key.status());
  const absl::StatusOr<SubmitAnswer> answer = parts_.backend.Submit(
      ToOrder(*request, *key, ActorOf(*context, *caller, "submit")));
  if (!answer.ok()) return rpc::ToGrpc(answer.status());
  reply->set_outcome(ToProto(answer->outcome));
  reply->set_pipeline_id(answer->pipeline.value());
  reply->set_project_id(answer->project.value());
  reply->set_sha(answer->sha);
  for (const std::string& error : answer->errors) reply->add_errors(error);
  for (const std::string& warning : answer->warnings) reply->add_warnings(warning);
  return grpc::Status::OK;
}

grpc::Status ControlService::Git(grpc::ServerContext* context,
                                 grpc::ServerReaderWriter<v1::GitBytes, v1::GitBytes>* stream) {
  const session::OpenCalls::Call open = Open(*context);
  const absl::StatusOr<User> caller = Caller(*context, Role::kDeveloper);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  if (const absl::Status full = CheckWritable(); !full.ok()) return rpc::ToGrpc(full);
  v1::GitBytes first;
  if (!stream->Read(&first) || !first.has_open() || !first.open().receive()) {
    return rpc::ToGrpc(absl::InvalidArgumentError("a Git call here starts with open{receive}"));
  }
  const absl::StatusOr<store::Project> project = parts_.store.FindProject(first.open().project());
  if (!project.ok()) return rpc::ToGrpc(project.status());
  return session::PumpGit(parts_.mirrors, project->id, source::GitMirrors::Service::kReceivePack,
                          *stream);
}

grpc::Status ControlService::ListPipelines(grpc::ServerContext* context,
                                           const v1::ListPipelinesRequest* request,
                                           v1::ListPipelinesReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kViewer);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const absl::StatusOr<ProjectId> project = ProjectFilter(request->project());
  if (!project.ok()) return rpc::ToGrpc(project.status());
  const absl::StatusOr<std::vector<store::PipelineRow>> rows = parts_.store.ListPipelines(
      *project, Limit(request->limit()), PipelineId(request->before_id()));
  if (!rows.ok()) return rpc::ToGrpc(rows.status());
  for (const store::PipelineRow& row : *rows) control::ToProto(row, reply->add_pipelines());
  AddContact(parts_.backend, parts_.store, reply);
  return grpc::Status::OK;
}

grpc::Status ControlService::ListCommits(grpc::ServerContext* context,
                                         const v1::ListCommitsRequest* request,
                                         v1::ListCommitsReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kViewer);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const absl::StatusOr<ProjectId> project = ProjectFilter(request->project());
  if (!project.ok()) return rpc::ToGrpc(project.status());
  const int limit = Limit(request->limit());
  std::set<std::pair<int64_t, std::string>> seen;  // a commit stands once, with its newest pipeline
  PipelineId before;
  while (reply->commits_size() < limit) {
    const absl::StatusOr<std::vector<store::PipelineRow>> rows =
        parts_.store.ListPipelines(*project, kRowsMax, before);
    if (!rows.ok()) return rpc::ToGrpc(rows.status());
    for (const store::PipelineRow& row : *rows) {
      before = row.id;
      if (reply->commits_size() == limit) break;
      if (!seen.insert({row.project.value(), row.commit.sha}).second) continue;
      ToCommit(row, reply->add_commits());
    }
    if (rows->size() < kRowsMax) break;
  }
  return grpc::Status::OK;
}

grpc::Status ControlService::ListJobs(grpc::ServerContext* context,
                                      const v1::ListJobsRequest* request,
                                      v1::ListJobsReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kViewer);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  absl::StatusOr<std::vector<store::JobRow>> rows;
  if (request->pipeline_id() != 0) {
    const absl::StatusOr<store::PipelineRow> pipeline =
        parts_.store.GetPipeline(PipelineId(request->pipeline_id()));
    if (!pipeline.ok()) return rpc::ToGrpc(pipeline.status());
    rows = parts_.store.JobsOf(pipeline->id);
  } else {
    const absl::StatusOr<ProjectId> project = ProjectFilter(request->project());
    if (!project.ok()) return rpc::ToGrpc(project.status());
    rows = parts_.store.ListJobs(*project, Limit(request->limit()));
  }
  if (!rows.ok()) return rpc::ToGrpc(rows.status());
  for (const store::JobRow& row : *rows) {
    v1::Job* const job = reply->add_jobs();
    control::ToProto(row, job);
    AddContact(parts_.backend, parts_.store, row, job);
  }
  return grpc::Status::OK;
}

grpc::Status ControlService::GetJob(grpc::ServerContext* context, const v1::JobRef* request,
                                    v1::Job* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kViewer);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const absl::StatusOr<store::JobRow> row = parts_.store.GetJob(JobId(request->job_id()));
  if (!row.ok()) return rpc::ToGrpc(row.status());
  control::ToProto(*row, reply);
  AddContact(parts_.backend, parts_.store, *row, reply);
  const absl::StatusOr<std::vector<store::AttemptRow>> attempts = parts_.store.AttemptsOf(row->id);
  if (!attempts.ok()) return rpc::ToGrpc(attempts.status());
  for (const store::AttemptRow& attempt : *attempts) {
    control::ToProto(attempt, reply->add_attempts());
  }
  const absl::StatusOr<store::PipelineRow> pipeline = parts_.store.GetPipeline(row->pipeline);
  if (!pipeline.ok()) return rpc::ToGrpc(pipeline.status());
  reply->set_pinned(pipeline->pinned);
  const absl::StatusOr<std::vector<store::ArtifactRow>> artifacts =
      parts_.store.ArtifactsOfJob(row->id);
  if (!artifacts.ok()) return rpc::ToGrpc(artifacts.status());
  for (const store::ArtifactRow& artifact : *artifacts) {
    control::ToProto(artifact, reply->add_artifacts());
  }
  return grpc::Status::OK;
}

grpc::Status ControlService::Why(grpc::ServerContext* context, const v1::JobRef* request,
                                 v1::WhyReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kViewer);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const absl::StatusOr<schedule::Explanation> why = parts_.backend.Why(JobId(request->job_id()));
  if (!why.ok()) return rpc::ToGrpc(why.status());
  reply->set_status(std::string(lifecycle::JobStateName(why->state)));
  for (const std::string& reason : why->reasons) reply->add_reasons(reason);
  reply->set_next_step(why->next_step);
  return grpc::Status::OK;
}

grpc::Status ControlService::CancelPipeline(grpc::ServerContext* context,
                                            const v1::PipelineAction* request,
                                            v1::ActionReply* reply) {
  return Act(*context, "cancel-pipeline", Role::kDeveloper, request->request_key(), reply,
             [&](const store::Answer& draft) {
               return Request(
                   schedule::CancelPipeline{PipelineId(request->pipeline_id()), request->force()},
                   draft,
                   absl::StrCat("pipeline ", request->pipeline_id(), " is being canceled",
                                request->force() ? "; what runs is killed at once" : ""));
             });
}

grpc::Status ControlService::RetryPipeline(grpc::ServerContext* context,
                                           const v1::PipelineAction* request,
                                           v1::ActionReply* reply) {
  return Act(*context, "retry-pipeline", Role::kDeveloper, request->request_key(), reply,
             [&](const store::Answer& draft) {
               return Request(schedule::RetryPipeline{PipelineId(request->pipeline_id())}, draft,
                              absl::StrCat("pipeline ", request->pipeline_id(),
                                           ": its failed and canceled jobs run again"));
             });
}

grpc::Status ControlService::CancelJob(grpc::ServerContext* context, const v1::JobAction* request,
                                       v1::ActionReply* reply) {
  return Act(*context, "cancel-job", Role::kDeveloper, request->request_key(), reply,
             [&](const store::Answer& draft) {
               return Request(
                   schedule::CancelJob{JobId(request->job_id()), request->force()}, draft,
                   absl::StrCat("job ", request->job_id(),
                                request->force() ? " is killed at once" : " is being canceled"));
             });
}

grpc::Status ControlService::RetryJob(grpc::ServerContext* context, const v1::JobAction* request,
                                      v1::ActionReply* reply) {
  return Act(*context, "retry-job", Role::kDeveloper, request->request_key(), reply,
             [&](const store::Answer& draft) {
               return Request(schedule::RetryJob{JobId(request->job_id())}, draft,
                              absl::StrCat("job ", request->job_id(), " runs again"));
             });
}

grpc::Status ControlService::PlayJob(grpc::ServerContext* context, const v1::JobAction* request,
                                     v1::ActionReply* reply) {
  return Act(*context, "play-job", Role::kDeveloper, request->request_key(), reply,
             [&](const store::Answer& draft) {
               return Request(schedule::PlayJob{JobId(request->job_id())}, draft,
                              absl::StrCat("job ", request->job_id(), " was started"));
             });
}

grpc::Status ControlService::ServerInfo(grpc::ServerContext* context, const v1::ServerInfoRequest*,
                                        v1::ServerInfoReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kViewer);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  reply->set_version(GRANGE_VERSION);
  reply->set_started_ms(ToMillis(parts_.started_at));
  reply->set_read_only_reason(parts_.backend.ReadOnlyReason());
  reply->set_read_only(!reply->read_only_reason().empty());
  reply->set_user(caller->name);
  reply->set_role(std::string(RoleName(caller->role)));
  return grpc::Status::OK;
}

}  // namespace grange::control
