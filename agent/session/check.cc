#include "agent/session/check.h"

#include <grpcpp/client_context.h>
#include <unistd.h>

#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agent/session/agent_state.h"
#include "agent/session/run_agent.h"
#include "common/base/status_macros.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "common/rpc/channel.h"
#include "common/rpc/credentials.h"
#include "common/rpc/fetch_ca.h"
#include "common/rpc/status.h"
#include "grange/v1/agent.grpc.pb.h"

namespace grange::session {
namespace {

constexpr absl::Duration kConnectMax = absl::Seconds(10);
constexpr uint64_t kFreeBytesMin = uint64_t{1} << 30;

class Checklist {
 public:
  explicit Checklist(std::ostream& out) : out_(out) {}

  // Notes one line; remembers the first failure.
  bool Note(absl::string_view what, const absl::Status& status, absl::string_view detail = "") {
    if (status.ok()) {
      out_ << "ok      " << what << (detail.empty() ? "" : ": ") << detail << "\n";
    } else {
      out_ << "FAILED  " << what << ": " << status.message() << "\n";
      if (first_.ok()) first_ = status;
    }
    return status.ok();
  }
  const absl::Status& first() const { return first_; }

 private:
  std::ostream& out_;
  absl::Status first_;
};

absl::Status CanExecute(const std::string& path) {
  if (::access(path.c_str(), X_OK) == 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("'", path, "' can't be executed; install it"));
}

absl::Status CheckGit() {
  os::ChildOptions git;
  git.argv = {"git", "--version"};
  GRANGE_ASSIGN_OR_RETURN(const os::RunResult result, os::Run(git, {}, absl::Seconds(10)));
  if (result.status.ok()) return absl::OkStatus();
  return absl::NotFoundError("git doesn't work; install the package git");
}

absl::Status CheckDisk(const std::string& dir) {
  GRANGE_ASSIGN_OR_RETURN(const uint64_t free, os::FreeBytes(dir));
  if (free >= kFreeBytesMin) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("only ", free >> 20, " MiB are free; below ",
                                                   kFreeBytesMin >> 20, " MiB no jobs are taken"));
}

// A call that changes nothing: an agent may ask for a file that doesn't exist. The answer tells
// whether the credential is known.
absl::Status CheckCredential(const AgentIdentity& identity, const Secret& credential,
                             const std::string& ca_pem) {
  GRANGE_ASSIGN_OR_RETURN(
      const std::shared_ptr<grpc::Channel> channel,
      rpc::MakeChannel(
          {.address = identity.coordinator, .ca_pem = ca_pem, .insecure = identity.insecure}));
  grpc::ClientContext context;
  rpc::AddBearer(context, credential.Open());
  context.set_deadline(absl::ToChronoTime(absl::Now() + kConnectMax));
  const auto stub = v1::AgentHub::NewStub(channel);
  const auto reader = stub->Get(&context, v1::FileRequest());
  v1::FilePart part;
  while (reader->Read(&part)) {
  }
  const absl::Status status = rpc::FromGrpc(reader->Finish());
  if (absl::IsUnauthenticated(status) || absl::IsUnavailable(status) ||
      absl::IsDeadlineExceeded(status)) {
    return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckAgent(const std::string& state_dir, const std::string& shim_program,
                        std::ostream& out) {
  Checklist list(out);
  const AgentState state(state_dir);
  const absl::StatusOr<AgentIdentity> identity = state.LoadIdentity();
  if (!list.Note("registration", identity.status(),
                 identity.ok() ? absl::StrCat("agent '", identity->name, "' (",
                                              identity->id.value(), ") of ", identity->coordinator)
                               : "")) {
    return list.first();
  }
  const absl::StatusOr<Secret> credential = state.LoadCredential();
  const absl::StatusOr<std::string> ca =
      identity->insecure ? absl::StatusOr<std::string>("") : state.LoadCa();
  if (!list.Note("credential", credential.status()) || !list.Note("CA", ca.status())) {
    return list.first();
  }
  const std::string shim = shim_program.empty() ? ShimBesideThisProgram() : shim_program;
  list.Note("grange-shim", CanExecute(shim), shim);
  list.Note("bash", CanExecute("/bin/bash"));
  list.Note("git", CheckGit());
  list.Note("disk", CheckDisk(state_dir));
  if (!identity->insecure) {
    const absl::StatusOr<std::string> fingerprint = rpc::Fingerprint(*ca);
    const absl::Status fetched =
        fingerprint.ok() ? rpc::FetchCa(identity->coordinator, *fingerprint, kConnectMax).status()
                         : fingerprint.status();
    if (!list.Note("connection and certificate", fetched)) return list.first();
  }
  list.Note("admission", CheckCredential(*identity, *credential, *ca));
  return list.first();
}

}  // namespace grange::session
