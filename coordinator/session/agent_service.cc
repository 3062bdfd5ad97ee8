#include "coordinator/session/agent_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/rpc/channel.h"
#include "common/rpc/status.h"
#include "common/rpc/token_text.h"
#include "coordinator/session/control_stream.h"
#include "coordinator/session/file_right.h"
#include "coordinator/session/git_stream.h"
#include "coordinator/session/trace_stream.h"

namespace grange::session {
namespace {

constexpr size_t kAgentNameMax = 64;
constexpr int kTagsMax = 50;
constexpr size_t kTagBytesMax = 64;

bool IsWord(absl::string_view text, size_t max) {
  return !text.empty() && text.size() <= max && text[0] != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-' || c == ':' ||
                  c == '/';
         });
}

absl::Status Check(const v1::RegisterRequest& request) {
  if (!request.name().empty() &&
      (!IsWord(request.name(), kAgentNameMax) || absl::ascii_isdigit(request.name()[0]))) {
    return absl::InvalidArgumentError(absl::StrCat("an agent's name is a letter and up to ",
                                                   kAgentNameMax - 1,
                                                   " letters, digits and '._-:/'"));
  }
  if (request.slots() < 1 || request.slots() > kSlotsMax) {
    return absl::InvalidArgumentError(absl::StrCat("--slots takes 1 to ", kSlotsMax));
  }
  if (request.tags_size() > kTagsMax) {
    return absl::InvalidArgumentError(absl::StrCat("an agent has at most ", kTagsMax, " tags"));
  }
  for (const std::string& tag : request.tags()) {
    if (tag.empty() || tag.size() > kTagBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("a tag has 1 to ", kTagBytesMax, " characters"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

grpc::Status AgentService::Register(grpc::ServerContext* context,
                                    const v1::RegisterRequest* request,
                                    v1::RegisterReply* reply) {
  if (const absl::Status checked = Check(*request); !checked.ok()) return rpc::ToGrpc(checked);
  const std::string peer = rpc::PeerAddress(context->peer());
  const std::string token_hash = rpc::TokenHash(request->token());
  const absl::Status admitted =
      hub_.guesses().Admit(peer, token_hash, hub_.clock().SinceBoot());
  if (!admitted.ok()) return rpc::ToGrpc(admitted);
  const std::string credential = rpc::NewToken(rpc::TokenKind::kAgent);
  store::AgentRow agent;
  agent.name = request->name();
  agent.tags.assign(request->tags().begin(), request->tags().end());
  agent.run_untagged = request->run_untagged();
  agent.slots = request->slots();
  agent.credential_hash = rpc::TokenHash(credential);
  agent.version = request->version().substr(0, 64);
  agent.registered_at = hub_.clock().Now();
  const absl::Status made = hub_.store().RegisterAgent(
      token_hash, request->request_key(), hub_.clock().Now(), agent, peer);
  if (!made.ok()) {
    // A token that is known but not for this caller counts too: each refusal is a row of the audit
    // log, and whoever has found an old token shall not fill it.
    if (absl::IsNotFound(made) || absl::IsPermissionDenied(made)) {
      AlarmIfGuessed(hub_.guesses(), peer, hub_.clock().SinceBoot());
    }
    log::Warning("registration_refused", {{"from", peer}, {"error", made}});
    return rpc::ToGrpc(made);
  }
  hub_.Register(agent);
  log::Info("agent_registered", {{"agent", agent.id}, {"name", agent.name}});
  reply->set_agent_id(agent.id.value());
  reply->set_credential(credential);
  reply->set_name(agent.name);
  for (const std::string& tag : agent.tags) reply->add_tags(tag);
  reply->set_run_untagged(agent.run_untagged);
  return grpc::Status::OK;
}

void AgentService::AcceptStreams(StreamThreads& threads) {
  AcceptControlStreams(*this, hub_, threads);
  AcceptTraceStreams(*this, hub_, threads);
}

absl::StatusOr<store::AgentRow> AgentService::Caller(const grpc::ServerContext& context,
                                                     const std::string& hash) {
  const std::string peer = rpc::PeerAddress(context.peer());
  GRANGE_RETURN_IF_ERROR(hub_.guesses().Admit(peer, hash, hub_.clock().SinceBoot()));
  absl::StatusOr<store::AgentRow> agent = hub_.store().FindAgentByCredential(hash);
  if (absl::IsNotFound(agent.status())) {
    AlarmIfGuessed(hub_.guesses(), peer, hub_.clock().SinceBoot());
  } else if (agent.ok()) {
    hub_.guesses().Right(peer, hash, hub_.clock().SinceBoot());
  }
  if (absl::IsNotFound(agent.status()) || (agent.ok() && agent->revoked)) {
    return absl::UnauthenticatedError("this agent's credential is unknown or revoked");
  }
  return agent;
}

grpc::Status AgentService::Put(grpc::ServerContext* context,
                               grpc::ServerReader<v1::FilePart>* reader, v1::FileReply* reply) {
  const std::string hash = rpc::TokenHash(BearerOf(*context));
  const OpenCalls::Call open(hub_.calls(), hash, *context);
  const absl::StatusOr<store::AgentRow> agent = Caller(*context, hash);
  if (!agent.ok()) return rpc::ToGrpc(agent.status());
  return rpc::ToGrpc(Receive(*agent, *reader, reply));
}

absl::Status AgentService::Receive(const store::AgentRow& agent,
                                   grpc::ServerReader<v1::FilePart>& reader, v1::FileReply* reply) {
  v1::FilePart part;
  if (!reader.Read(&part) || !part.has_header()) {
    return absl::InvalidArgumentError("an upload starts with its header");
  }
  const v1::FilePart::Header header = part.header();
  GRANGE_ASSIGN_OR_RETURN(const Assignment assignment, FromProto(header.assignment()));
  if (header.kind() != v1::FilePart::Header::KIND_ARTIFACT || header.sha256().size() != 32) {
    return absl::InvalidArgumentError("an upload names its kind and a SHA-256 of 32 bytes");
  }
  GRANGE_RETURN_IF_ERROR(CheckFileRight(hub_.gate(), hub_.store(), assignment, agent.id));
  GRANGE_ASSIGN_OR_RETURN(const std::unique_ptr<artifact::ArtifactStore::Upload> upload,
                          artifacts_.Begin(header.sha256(), header.size()));
  while (reader.Read(&part)) {
    if (part.data().size() > rpc::kFilePartMax) {
      return absl::InvalidArgumentError("a part of a file is too large");
    }
    GRANGE_RETURN_IF_ERROR(upload->Append(part.offset(), part.data()));
  }
  reply->set_have(upload->have());
  if (upload->have() < header.size()) return absl::OkStatus();  // cut, or asked how far it is
  GRANGE_RETURN_IF_ERROR(upload->Finish());
  store::ArtifactRow row;
  row.id = absl::StrCat(assignment.job.value(), "-", assignment.attempt, "-",
                        absl::BytesToHexString(header.sha256().substr(0, 8)));
  row.job = assignment.job;
  row.attempt = assignment.attempt;
  row.name = header.name().substr(0, 255);
  row.size = header.size();
  row.sha256 = header.sha256();
  row.created_at = hub_.clock().Now();
  GRANGE_RETURN_IF_ERROR(hub_.store().PutArtifact(row));
  reply->set_artifact_id(row.id);
  return absl::OkStatus();
}

grpc::Status AgentService::Get(grpc::ServerContext* context, const v1::FileRequest* request,
                               grpc::ServerWriter<v1::FilePart>* writer) {
  context->AddInitialMetadata(rpc::kProtocolMinKey, absl::StrCat(kProtocolMin));
  context->AddInitialMetadata(rpc::kProtocolMaxKey, absl::StrCat(kProtocolMax));
  context->AddInitialMetadata(rpc::kTimeKey,
                              absl::StrCat(absl::ToUnixMillis(hub_.clock().Now())));
  const std::string hash = rpc::TokenHash(BearerOf(*context));
  const OpenCalls::Call open(hub_.calls(), hash, *context);
  const absl::StatusOr<store::AgentRow> agent = Caller(*context, hash);
  if (!agent.ok()) return rpc::ToGrpc(agent.status());
  return rpc::ToGrpc(Send(*agent, *request, *writer));
}

absl::Status AgentService::Send(const store::AgentRow& agent, const v1::FileRequest& request,
                                grpc::ServerWriter<v1::FilePart>& writer) {
  GRANGE_ASSIGN_OR_RETURN(const Assignment assignment, FromProto(request.assignment()));
  GRANGE_RETURN_IF_ERROR(CheckFileRight(hub_.gate(), hub_.store(), assignment, agent.id));
  GRANGE_ASSIGN_OR_RETURN(const store::ArtifactRow row,
                          hub_.store().GetArtifact(request.artifact_id()));
  if (row.removed()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the artifacts of job ", row.job.value(), " were removed by retention on ",
        absl::FormatTime("%Y-%m-%d", row.removed_at, absl::UTCTimeZone()), " (", row.removed_by,
        ")"));
  }
  GRANGE_ASSIGN_OR_RETURN(const store::JobRow producer, hub_.store().GetJob(row.job));
  GRANGE_ASSIGN_OR_RETURN(const store::JobRow consumer, hub_.store().GetJob(assignment.job));
  if (producer.pipeline != consumer.pipeline) {
    return absl::PermissionDeniedError("these artifacts belong to another pipeline");
  }
  uint64_t offset = request.offset();
  while (offset < row.size) {
    GRANGE_ASSIGN_OR_RETURN(std::string bytes,
                            artifacts_.Read(row.sha256, offset, rpc::kFilePartMax));
    if (bytes.empty()) return absl::DataLossError("the artifacts' file is shorter than recorded");
    v1::FilePart part;
    part.set_offset(offset);
    offset += bytes.size();
    part.set_data(std::move(bytes));
    if (!writer.Write(part)) return absl::CancelledError("the agent has gone");
  }
  return absl::OkStatus();
}

grpc::Status AgentService::Git(grpc::ServerContext* context,
                               grpc::ServerReaderWriter<v1::GitBytes, v1::GitBytes>* stream) {
  const std::string hash = rpc::TokenHash(BearerOf(*context));
  const OpenCalls::Call open(hub_.calls(), hash, *context);
  const absl::StatusOr<store::AgentRow> agent = Caller(*context, hash);
  if (!agent.ok()) return rpc::ToGrpc(agent.status());
  v1::GitBytes first;
  if (!stream->Read(&first) || !first.has_open() || first.open().receive()) {
    return rpc::ToGrpc(absl::InvalidArgumentError("agents may only fetch"));
  }
  const absl::StatusOr<store::Project> project =
      hub_.store().GetProject(ProjectId(first.open().project_id()));
  if (!project.ok()) return rpc::ToGrpc(project.status());
  if (agent->project.is_set() && agent->project != project->id) {
    return rpc::ToGrpc(absl::PermissionDeniedError("this agent is limited to another project"));
  }
  return PumpGit(mirrors_, project->id, source::GitMirrors::Service::kUploadPack, *stream);
}

}  // namespace grange::session
