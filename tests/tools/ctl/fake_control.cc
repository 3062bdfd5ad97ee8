#include "fake_control.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/os/child.h"

namespace grange::ctl {
namespace {

const grpc::Status& Broken() {
  static const auto* const status =
      new grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed");
  return *status;
}

}  // namespace

FakeControl::FakeControl() : mirror_(dir_.File("mirror.git")) {
  os::ChildOptions options;
  options.argv = {"git", "init", "--quiet", "--bare", mirror_};
  EXPECT_TRUE(os::Run(options).ok());
  outcome_.set_outcome(v1::SubmitReply::OUTCOME_CREATED);
  outcome_.set_pipeline_id(2);

  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  EXPECT_NE(port, 0);
  dir_.Write("grangectl.yml",
             absl::StrCat("coordinator: 127.0.0.1:", port, "\ninsecure: true\ntoken: t\n"));
}

FakeControl::~FakeControl() {
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
  server_->Wait();
  // For the sanitizer, which sees nothing of the server's end: the calls are over.
  base::MutexLock lock(mu_);
}

std::string FakeControl::ConfigVariable() const {
  return absl::StrCat("GRANGE_CONFIG=", dir_.File("grangectl.yml"));
}

void FakeControl::AddWatch(WatchScript script) {
  base::MutexLock lock(mu_);
  watches_.push_back(std::move(script));
}

void FakeControl::SetLog(std::string log, size_t bytes_per_connection, size_t part_bytes) {
  base::MutexLock lock(mu_);
  log_ = std::move(log);
  log_bytes_per_connection_ = bytes_per_connection;
  log_part_bytes_ = part_bytes;
}

void FakeControl::SetMarks(std::vector<v1::LogMark> marks) {
  base::MutexLock lock(mu_);
  marks_ = std::move(marks);
}

std::vector<v1::SubmitRequest> FakeControl::submits() const {
  base::MutexLock lock(mu_);
  return submits_;
}

std::vector<uint64_t> FakeControl::log_offsets() const {
  base::MutexLock lock(mu_);
  return log_offsets_;
}

std::vector<v1::SetVariableRequest> FakeControl::variables() const {
  base::MutexLock lock(mu_);
  return variables_;
}

bool FakeControl::HasCommit(const std::string& sha) const {
  os::ChildOptions options;
  options.argv = {"git", "-C", mirror_, "cat-file", "-e", sha + "^{commit}"};
  const absl::StatusOr<os::RunResult> result = os::Run(options);
  return result.ok() && result->status.ok();
}

grpc::Status FakeControl::Submit(grpc::ServerContext* context, const v1::SubmitRequest* request,
                                 v1::SubmitReply* reply) {
  const auto token = context->client_metadata().find("authorization");
  if (token == context->client_metadata().end() || token->second != "Bearer t") {
    return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "the token is unknown");
  }
  bool cut = false;
  {
    base::MutexLock lock(mu_);
    submits_.push_back(*request);
    cut = cut_submits_ > 0 && cut_submits_-- > 0;
  }
  if (cut) return Broken();
  if (request->url().empty() && !HasCommit(request->sha())) {
    reply->set_outcome(v1::SubmitReply::OUTCOME_NEED_OBJECTS);
    return grpc::Status::OK;
  }
  *reply = outcome_;
  reply->set_sha(request->sha());
  return grpc::Status::OK;
}

grpc::Status FakeControl::Git(grpc::ServerContext*,
                              grpc::ServerReaderWriter<v1::GitBytes, v1::GitBytes>* stream) {
  v1::GitBytes first;
  if (!stream->Read(&first) || !first.open().receive()) {
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no open{receive}");
  }
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return Broken();
  os::UniqueFd ours(fds[0]);
  os::UniqueFd of_git(fds[1]);
  os::ChildOptions options;
  options.argv = {"git", "receive-pack", mirror_};
  options.stdin_fd = of_git.get();
  options.stdout_fd = of_git.get();
  absl::StatusOr<os::Child> git = os::Child::Start(options);
  if (!git.ok()) return Broken();
  of_git.Reset();
  std::thread in([&stream, &ours] {
    v1::GitBytes message;
    while (stream->Read(&message)) {
      ::send(ours.get(), message.data().data(), message.data().size(), MSG_NOSIGNAL);
      if (message.end()) break;
    }
    ::shutdown(ours.get(), SHUT_WR);
  });
  char buffer[4096];
  v1::GitBytes message;
  for (ssize_t got; (got = ::recv(ours.get(), buffer, sizeof buffer, 0)) > 0;) {
    message.set_data(buffer, static_cast<size_t>(got));
    stream->Write(message);
  }
  v1::GitBytes last;
  last.set_end(true);
  last.set_exit_code(git->Wait().exit_code);
  stream->Write(last);
  ::shutdown(ours.get(), SHUT_RDWR);
  in.join();
  return grpc::Status::OK;
}

grpc::Status FakeControl::Watch(grpc::ServerContext*, const v1::WatchRequest*,
                                grpc::ServerWriter<v1::WatchEvent>* writer) {
  WatchScript script;
  {
    base::MutexLock lock(mu_);
    if (watches_.empty()) return grpc::Status(grpc::StatusCode::NOT_FOUND, "no such pipeline");
    script = std::move(watches_.front());
    watches_.pop_front();
  }
  for (const v1::WatchEvent& event : script.events) writer->Write(event);
  return script.end;
}

// Those of the part's bytes; with the first part the newest one before them as well.
void FakeControl::AddMarks(bool first, v1::LogsPart& part) {
  base::MutexLock lock(mu_);
  const v1::LogMark* before = nullptr;
  for (const v1::LogMark& mark : marks_) {
    if (mark.offset() < part.offset()) before = &mark;
  }
  if (first && before != nullptr) *part.add_marks() = *before;
  for (const v1::LogMark& mark : marks_) {
    const bool is_of_part =
        mark.offset() >= part.offset() && mark.offset() < part.offset() + part.data().size();
    if (is_of_part) *part.add_marks() = mark;
  }
}

grpc::Status FakeControl::Logs(grpc::ServerContext*, const v1::LogsRequest* request,
                               grpc::ServerWriter<v1::LogsPart>* writer) {
  std::string log;
  size_t budget = 0, part_bytes = 0;
  {
    base::MutexLock lock(mu_);
    log_offsets_.push_back(request->offset());
    log = log_;
    budget = log_bytes_per_connection_;
    part_bytes = log_part_bytes_;
  }
  uint64_t offset = request->offset();
  while (offset < log.size() && budget > 0) {
    v1::LogsPart part;
    part.set_attempt(1);
    part.set_offset(offset);
    part.set_data(log.substr(offset, std::min(part_bytes, budget)));
    if (request->marks()) AddMarks(offset == request->offset(), part);
    offset += part.data().size();
    budget -= part.data().size();
    writer->Write(part);
  }
  if (offset < log.size()) return Broken();
  v1::LogsPart last;
  last.set_attempt(1);
  last.set_offset(offset);
  last.set_ended(true);
  writer->Write(last);
  return grpc::Status::OK;
}

grpc::Status FakeControl::GetJob(grpc::ServerContext*, const v1::JobRef* request, v1::Job* reply) {
  base::MutexLock lock(mu_);
  reply->set_id(request->job_id());
  reply->set_attempt(1);
  reply->set_trace_bytes(log_.size());
  return grpc::Status::OK;
}

grpc::Status FakeControl::SetVariable(grpc::ServerContext*, const v1::SetVariableRequest* request,
                                      v1::ActionReply* reply) {
  base::MutexLock lock(mu_);
  variables_.push_back(*request);
  reply->set_message("set");
  return grpc::Status::OK;
}

grpc::Status FakeControl::ListTokens(grpc::ServerContext*, const v1::ListTokensRequest*,
                                     v1::ListTokensReply*) {
  return grpc::Status(grpc::StatusCode::PERMISSION_DENIED,
                      "this needs the role admin, 'ada' has viewer");
}

}  // namespace grange::ctl
