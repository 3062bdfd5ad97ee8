#include "tools/bench/farm_client.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/random.h"
#include "tools/ctl/client.h"
#include "tools/ctl/client_config.h"

namespace grange::bench {
namespace {

constexpr std::chrono::seconds kPipelineTimeout(120);
constexpr size_t kRequestKeyBytes = 16;

}  // namespace

absl::StatusOr<std::unique_ptr<FarmClient>> FarmClient::Connect(const std::string& config) {
  GRANGE_ASSIGN_OR_RETURN(const ctl::ClientConfig read, ctl::LoadClientConfig(config, ""));
  GRANGE_ASSIGN_OR_RETURN(std::unique_ptr<ctl::Client> client, ctl::Client::Make(read));
  return std::unique_ptr<FarmClient>(new FarmClient(std::move(client)));
}

FarmClient::FarmClient(std::unique_ptr<ctl::Client> client) : client_(std::move(client)) {}

FarmClient::~FarmClient() = default;

absl::StatusOr<int64_t> FarmClient::Submit(const Commit& commit, const std::string& file,
                                           const Variables& variables) {
  v1::SubmitRequest request;
  request.set_request_key(os::RandomBytes(kRequestKeyBytes));
  request.set_project(commit.project);
  request.set_sha(commit.sha);
  request.set_ref_name(commit.branch);
  request.set_file(file);
  for (const auto& [name, value] : variables) {
    v1::Variable* const added = request.add_variables();
    added->set_name(name);
    added->set_value(value);
  }
  GRANGE_ASSIGN_OR_RETURN(const v1::SubmitReply reply,
                          client_->Call(&v1::Control::Stub::Submit, request));
  if (reply.outcome() == v1::SubmitReply::OUTCOME_CREATED) return reply.pipeline_id();
  return absl::InternalError(absl::StrCat(
      "'", file, "' gave no pipeline: ",
      reply.errors().empty() ? v1::SubmitReply::Outcome_Name(reply.outcome()) : reply.errors(0)));
}

absl::Status FarmClient::WaitFor(int64_t pipeline, const std::string& status) {
  grpc::ClientContext context;
  client_->Prepare(context);
  context.set_deadline(std::chrono::system_clock::now() + kPipelineTimeout);
  v1::WatchRequest request;
  request.set_pipeline_id(pipeline);
  const std::unique_ptr<grpc::ClientReader<v1::WatchEvent>> events =
      client_->stub().Watch(&context, request);
  std::string seen;
  v1::WatchEvent event;
  while (events->Read(&event)) {
    if (event.has_pipeline()) seen = event.pipeline().status();
    if (event.ended()) break;
  }
  if (event.ended() && seen == status) {
    context.TryCancel();  // what is left of the stream is its end
    events->Finish().IgnoreError();
    return absl::OkStatus();
  }
  if (event.ended()) {
    return absl::InternalError(
        absl::StrCat("pipeline ", pipeline, " ended as '", seen, "', not as '", status, "'"));
  }
  return client_->Describe(events->Finish());
}

absl::StatusOr<FarmClient::Job> FarmClient::FirstJob(int64_t pipeline) {
  v1::ListJobsRequest request;
  request.set_pipeline_id(pipeline);
  GRANGE_ASSIGN_OR_RETURN(const v1::ListJobsReply reply,
                          client_->Call(&v1::Control::Stub::ListJobs, request));
  if (reply.jobs().empty()) {
    return absl::InternalError(absl::StrCat("pipeline ", pipeline, " has no jobs"));
  }
  const v1::Job& job = reply.jobs(0);
  return Job{
      .id = job.id(), .trace_bytes = job.trace_bytes(), .dropped_bytes = job.dropped_bytes()};
}

absl::Status FarmClient::CancelJob(int64_t job) {
  v1::JobAction request;
  request.set_request_key(os::RandomBytes(kRequestKeyBytes));
  request.set_job_id(job);
  return client_->Call(&v1::Control::Stub::CancelJob, request).status();
}

absl::Status FarmClient::CancelPipeline(int64_t pipeline) {
  v1::PipelineAction request;
  request.set_request_key(os::RandomBytes(kRequestKeyBytes));
  request.set_pipeline_id(pipeline);
  return client_->Call(&v1::Control::Stub::CancelPipeline, request).status();
}

absl::StatusOr<std::string> FarmClient::CreateRegistrationToken(int uses) {
  v1::CreateTokenRequest request;
  request.set_request_key(os::RandomBytes(kRequestKeyBytes));
  request.set_registration(true);
  request.set_uses(uses);
  GRANGE_ASSIGN_OR_RETURN(const v1::CreateTokenReply reply,
                          client_->Call(&v1::Control::Stub::CreateToken, request));
  return reply.token();
}

absl::StatusOr<std::string> FarmClient::AgentStatus(const std::string& name) {
  GRANGE_ASSIGN_OR_RETURN(const v1::ListAgentsReply reply,
                          client_->Call(&v1::Control::Stub::ListAgents, v1::ListAgentsRequest()));
  for (const v1::Agent& agent : reply.agents()) {
    if (agent.name() == name) return agent.status();
  }
  return absl::NotFoundError(absl::StrCat("there is no agent '", name, "'"));
}

absl::Status FarmClient::SetProject(const std::string& project, const std::string& key,
                                    const std::string& value) {
  v1::SetProjectRequest request;
  request.set_request_key(os::RandomBytes(kRequestKeyBytes));
  request.set_project(project);
  request.set_key(key);
  request.set_value(value);
  return client_->Call(&v1::Control::Stub::SetProject, request).status();
}

}  // namespace grange::bench
