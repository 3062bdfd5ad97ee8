#ifndef GRANGE_COORDINATOR_CONTROL_CONTROL_SERVICE_H_
#define GRANGE_COORDINATOR_CONTROL_CONTROL_SERVICE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "coordinator/control/access.h"
#include "coordinator/control/backend.h"
#include "coordinator/control/change_feed.h"
#include "coordinator/control/request_key.h"
#include "coordinator/session/guess_limit.h"
#include "coordinator/session/open_calls.h"
#include "coordinator/session/stream_call.h"
#include "coordinator/session/stream_threads.h"
#include "coordinator/source/git_mirror.h"
#include "coordinator/store/store.h"
#include "coordinator/trace/trace_store.h"
#include "grange/v1/control.grpc.pb.h"

namespace grange::control {

// grangectl's door. Each call: who is it, may they, translate, forward. Calls may block on the store
// and on git: they run on gRPC's synchronous threads. Watch and Logs, which last and sleep until
// something has changed, have threads of their own (StreamCall). Methods are in the file of
// their group: control_service.cc (submit, pipelines, jobs), follow_calls.cc (watch, logs),
// project_calls.cc (projects, variables), fleet_calls.cc (agents, tokens), audit_calls.cc (the audit log,
// backups), retention_calls.cc (what is kept).
class ControlService : public v1::Control::WithAsyncMethod_Watch<
                           v1::Control::WithAsyncMethod_Logs<v1::Control::Service>> {
 public:
  struct Parts {
    Backend& backend;
    store::Store& store;
    trace::TraceStore& traces;
    source::GitMirrors& mirrors;
    ChangeFeed& feed;
    const Clock& clock;
    session::GuessLimit& guesses;
    session::OpenCalls& calls;
    std::string ca_fingerprint;  // "" without TLS; becomes part of registration tokens
    absl::Time started_at;
    int watchers_max = 2000;  // at once: each has a thread
  };
  explicit ControlService(Parts parts) : parts_(std::move(parts)) {}

  // Watch and Logs: from the server's start until it stops. This must outlive `threads`.
  void AcceptStreams(session::StreamThreads& threads);

#define GRANGE_CONTROL_CALL(name, request_type, reply_type)                        \
  grpc::Status name(grpc::ServerContext* context, const v1::request_type* request, \
                    v1::reply_type* reply) override
  GRANGE_CONTROL_CALL(Submit, SubmitRequest, SubmitReply);
  GRANGE_CONTROL_CALL(ListPipelines, ListPipelinesRequest, ListPipelinesReply);
  GRANGE_CONTROL_CALL(ListCommits, ListCommitsRequest, ListCommitsReply);
  GRANGE_CONTROL_CALL(ListJobs, ListJobsRequest, ListJobsReply);
  GRANGE_CONTROL_CALL(GetJob, JobRef, Job);
  GRANGE_CONTROL_CALL(Why, JobRef, WhyReply);
  GRANGE_CONTROL_CALL(CancelPipeline, PipelineAction, ActionReply);
  GRANGE_CONTROL_CALL(RetryPipeline, PipelineAction, ActionReply);
  GRANGE_CONTROL_CALL(CancelJob, JobAction, ActionReply);
  GRANGE_CONTROL_CALL(RetryJob, JobAction, ActionReply);
  GRANGE_CONTROL_CALL(PlayJob, JobAction, ActionReply);
  GRANGE_CONTROL_CALL(ServerInfo, ServerInfoRequest, ServerInfoReply);

  GRANGE_CONTROL_CALL(ListAgents, ListAgentsRequest, ListAgentsReply);
  GRANGE_CONTROL_CALL(ChangeAgent, AgentAction, ActionReply);
  GRANGE_CONTROL_CALL(CreateToken, CreateTokenRequest, CreateTokenReply);
  GRANGE_CONTROL_CALL(ListTokens, ListTokensRequest, ListTokensReply);
  GRANGE_CONTROL_CALL(RevokeToken, RevokeTokenRequest, ActionReply);

  GRANGE_CONTROL_CALL(SetProject, SetProjectRequest, ActionReply);
  GRANGE_CONTROL_CALL(GetProject, GetProjectRequest, Project);
  GRANGE_CONTROL_CALL(SetVariable, SetVariableRequest, ActionReply);
  GRANGE_CONTROL_CALL(ListVariables, ListVariablesRequest, ListVariablesReply);
  GRANGE_CONTROL_CALL(RemoveVariable, RemoveVariableRequest, ActionReply);

  GRANGE_CONTROL_CALL(ListAudit, ListAuditRequest, ListAuditReply);

  GRANGE_CONTROL_CALL(PinPipeline, PinRequest, ActionReply);
  GRANGE_CONTROL_CALL(Usage, UsageRequest, UsageReply);
  GRANGE_CONTROL_CALL(Sweep, SweepRequest, SweepReply);
#undef GRANGE_CONTROL_CALL

  grpc::Status Git(grpc::ServerContext* context,
                   grpc::ServerReaderWriter<v1::GitBytes, v1::GitBytes>* stream) override;
  grpc::Status CreateBackup(grpc::ServerContext* context, const v1::CreateBackupRequest* request,
                            grpc::ServerWriter<v1::BackupProgress>* writer) override;

 private:
  grpc::Status AnswerWatch(grpc::ServerContext& context, const v1::WatchRequest& request,
                           session::ReplyWriter<v1::WatchEvent>& writer);
  grpc::Status AnswerLogs(grpc::ServerContext& context, const v1::LogsRequest& request,
                          session::ReplyWriter<v1::LogsPart>& writer);
  absl::StatusOr<User> Caller(grpc::ServerContext& context, Role needed);
  // kResourceExhausted, with the next step, while nothing new is taken. For calls that change things.
  absl::Status CheckWritable() const;
  // For calls that last, first of all: ends them when their token is revoked.
  session::OpenCalls::Call Open(grpc::ServerContext& context);
  // Does the call's change and stores the draft with its text in the same transaction; returns the
  // text.
  using Work = std::function<absl::StatusOr<std::string>(const store::Answer& draft)>;
  // Authorizes, gives the earlier answer of a repeated request key, else does `work`. `call` names
  // the call among those that take keys.
  grpc::Status Act(grpc::ServerContext& context, absl::string_view call, Role needed,
                   const std::string& request_key, v1::ActionReply* reply, const Work& work);
  static store::Actor ActorOf(const grpc::ServerContext& context, const User& user,
                              absl::string_view call);
  // A request to the core, with `text` as its answer.
  absl::StatusOr<std::string> Request(const schedule::Event& event, const store::Answer& draft,
                                      std::string text);
  absl::StatusOr<ProjectId> ProjectFilter(const std::string& name);
  absl::Status CheckDrainDeadline(const store::AgentRow& agent, absl::Duration deadline) const;
  absl::StatusOr<std::string> Drain(const store::AgentRow& agent, absl::Duration deadline,
                                    const store::Answer& draft);
  absl::StatusOr<std::string> Change(const v1::AgentAction& action,
                                     const store::Answer& draft);

  const Parts parts_;
  KeyGate keys_;
  session::StreamCallLimit watchers_{.most = parts_.watchers_max};
};

}  // namespace grange::control

#endif  // GRANGE_COORDINATOR_CONTROL_CONTROL_SERVICE_H_
