#include "agent/session/hub_files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agent/session/codec.h"
#include "common/base/status_macros.h"
#include "common/os/deadline.h"
#include "common/os/files.h"
#include "common/os/random.h"
#include "common/os/sha256.h"
#include "common/os/unique_fd.h"
#include "common/rpc/backoff.h"
#include "common/rpc/channel.h"
#include "common/rpc/status.h"

namespace grange::session {
namespace {

// A credential that is refused may be in order again after a restart of the coordinator.
constexpr absl::Duration kTryRefusedFor = absl::Minutes(10);
constexpr absl::Duration kCallMax = absl::Hours(2);

using workspace::Cancellation;

void Prepare(grpc::ClientContext& context, const Secret& credential) {
  rpc::AddBearer(context, credential.Open());
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallMax));
}

bool WorthAgain(const absl::Status& status, absl::Duration tried_for, absl::Duration try_for) {
  if (absl::IsUnauthenticated(status)) return tried_for < std::min(try_for, kTryRefusedFor);
  return (absl::IsUnavailable(status) || absl::IsAborted(status)) && tried_for < try_for;
}

// Waits unless canceled; true if it may go on.
bool Pause(absl::Duration wait, Cancellation& cancellation) {
  pollfd fd = {cancellation.fd(), POLLIN, 0};
  return ::poll(&fd, 1, static_cast<int>(absl::ToInt64Milliseconds(wait))) <= 0;
}

uint64_t RandomNumber() {
  uint64_t number = 0;
  for (const char c : os::RandomBytes(8)) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

absl::Status Repeat(Cancellation& cancellation, absl::Duration try_for,
                    const std::function<absl::Status()>& once) {
  rpc::Backoff backoff(absl::Milliseconds(500), absl::Seconds(15));
  const absl::Duration started = os::SinceBoot();
  while (true) {
    const absl::Status status = once();
    if (cancellation.canceled()) return absl::CancelledError("canceled");
    if (!WorthAgain(status, os::SinceBoot() - started, try_for)) return status;
    if (!Pause(backoff.Next(RandomNumber()), cancellation)) {
      return absl::CancelledError("canceled");
    }
  }
}

}  // namespace

absl::StatusOr<std::string> HubFiles::Put(const Upload& upload, Cancellation& cancellation) {
  std::string id;
  GRANGE_RETURN_IF_ERROR(Repeat(cancellation, upload.try_for, [&]() -> absl::Status {
    GRANGE_ASSIGN_OR_RETURN(v1::FileReply reply, PutOnce(upload, 0, false, cancellation));
    if (reply.artifact_id().empty()) {
      GRANGE_ASSIGN_OR_RETURN(reply, PutOnce(upload, reply.have(), true, cancellation));
    }
    if (reply.artifact_id().empty()) {
      return absl::UnavailableError(
          absl::StrCat("the coordinator has only ", reply.have(), " of ", upload.size, " bytes"));
    }
    id = reply.artifact_id();
    return absl::OkStatus();
  }));
  return id;
}

absl::StatusOr<v1::FileReply> HubFiles::PutOnce(const Upload& upload, uint64_t offset, bool data,
                                                Cancellation& cancellation) {
  const os::UniqueFd file(::open(upload.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return os::ErrnoStatus(errno, "open", upload.path);
  grpc::ClientContext context;
  Prepare(context, credential_);
  const Cancellation::Hook stop(cancellation, [&context] { context.TryCancel(); });
  v1::FileReply reply;
  const auto writer = stub_->Put(&context, &reply);
  v1::FilePart part;
  v1::FilePart::Header& header = *part.mutable_header();
  header.set_kind(v1::FilePart::Header::KIND_ARTIFACT);
  ToProto(upload.assignment, header.mutable_assignment());
  header.set_name(ToUtf8(upload.name));
  header.set_size(upload.size);
  header.set_sha256(upload.sha256);
  bool open = writer->Write(part);
  while (open && data && offset < upload.size) {
    std::string& bytes = *part.mutable_data();
    bytes.resize(std::min<uint64_t>(rpc::kFilePartMax, upload.size - offset));
    const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got <= 0) {
      context.TryCancel();
      writer->Finish().ok();  // its status is that of the cancel
      return absl::DataLossError(absl::StrCat("'", upload.path, "' can't be read to its end"));
    }
    bytes.resize(static_cast<size_t>(got));
    part.set_offset(offset);
    offset += static_cast<uint64_t>(got);
    open = writer->Write(part);
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (!status.ok()) return rpc::FromGrpc(status);
  return reply;
}

absl::Status HubFiles::Get(const Download& download, Cancellation& cancellation) {
  const os::UniqueFd file(
      ::open(download.path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.is_open()) return os::ErrnoStatus(errno, "create", download.path);
  uint64_t offset = 0;
  GRANGE_RETURN_IF_ERROR(Repeat(cancellation, download.try_for, [&] {
    return GetOnce(download, file.get(), &offset, cancellation);
  }));
  if (download.size > 0 && offset != download.size) {
    return absl::DataLossError(absl::StrCat("artifact '", download.artifact_id, "' has ", offset,
                                            " bytes instead of ", download.size));
  }
  if (download.sha256.empty()) return absl::OkStatus();
  os::Sha256 sha;
  std::string block(rpc::kFilePartMax, '\0');
  for (uint64_t at = 0; at < offset;) {
    const ssize_t got = ::pread(file.get(), block.data(), block.size(), static_cast<off_t>(at));
    if (got <= 0) return os::ErrnoStatus(errno, "read", download.path);
    sha.Update(absl::string_view(block.data(), static_cast<size_t>(got)));
    at += static_cast<uint64_t>(got);
  }
  if (sha.Digest() != download.sha256) {
    return absl::DataLossError(
        absl::StrCat("artifact '", download.artifact_id, "' has another SHA-256 than announced"));
  }
  return absl::OkStatus();
}

absl::Status HubFiles::GetOnce(const Download& download, int fd, uint64_t* offset,
                               Cancellation& cancellation) {
  grpc::ClientContext context;
  Prepare(context, credential_);
  const Cancellation::Hook stop(cancellation, [&context] { context.TryCancel(); });
  v1::FileRequest request;
  request.set_artifact_id(download.artifact_id);
  request.set_offset(*offset);
  ToProto(download.assignment, request.mutable_assignment());
  const auto reader = stub_->Get(&context, request);
  v1::FilePart part;
  absl::Status failed;
  while (failed.ok() && reader->Read(&part)) {
    if (part.offset() != *offset) failed = absl::DataLossError("parts of a file came out of order");
    if (download.size > 0 && *offset + part.data().size() > download.size) {
      failed = absl::DataLossError("more bytes came than were announced");
    }
    if (failed.ok()) failed = os::WriteAll(fd, part.data());
    if (failed.ok()) *offset += part.data().size();
  }
  if (!failed.ok()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  return failed.ok() ? rpc::FromGrpc(status) : failed;
}

absl::Status HubFiles::Serve(const workspace::Sources& sources, int socket,
                             Cancellation& cancellation) {
  grpc::ClientContext context;
  Prepare(context, credential_);
  const Cancellation::Hook stop(cancellation, [&context] { context.TryCancel(); });
  const auto stream = stub_->Git(&context);
  v1::GitBytes first;
  first.mutable_open()->set_project_id(sources.project.value());
  first.mutable_open()->set_project(ToUtf8(sources.project_name));
  stream->Write(first);  // if it fails, so does the read

  std::thread outgoing([&] {
    v1::GitBytes message;
    std::string buffer(rpc::kFilePartMax, '\0');
    while (true) {
      const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      message.set_data(buffer.data(), static_cast<size_t>(got));
      if (!stream->Write(message)) break;
    }
    message.clear_data();
    message.set_end(true);
    if (stream->Write(message)) stream->WritesDone();
  });
  v1::GitBytes message;
  int exit_code = 0;
  std::string error_text;
  while (stream->Read(&message)) {
    absl::string_view rest = message.data();
    while (!rest.empty()) {
      const ssize_t put = ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) break;  // git has ended; what else comes is read so that the stream ends well
      rest.remove_prefix(static_cast<size_t>(put));
    }
    if (message.end()) {
      exit_code = message.exit_code();
      error_text = message.error_text();
      break;
    }
  }
  ::shutdown(socket, SHUT_RDWR);
  outgoing.join();
  while (stream->Read(&message)) {
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return rpc::FromGrpc(status);
  if (exit_code == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("git at the coordinator: exit status ",
                                                    exit_code, ": ",
                                                    absl::StripSuffix(error_text, "\n")));
}

}  // namespace grange::session
