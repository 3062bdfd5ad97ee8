#include "tools/ctl/client.h"

#include <grpc/support/log.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/rpc/channel.h"
#include "common/rpc/status.h"
#include "tools/ctl/terminal.h"

namespace grange::ctl {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(30);
// A restart of the coordinator takes seconds; a call that was cut is repeated for so long.
constexpr absl::Duration kFirstWait = absl::Milliseconds(50);
constexpr absl::Duration kLongestWait = absl::Seconds(1);

// gRPC writes its own errors to stderr; ours say the same once, with a next step.
void SilenceGrpc() {
  if (::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
}

bool NeverConnected(const grpc::Status& status) {
  return absl::StartsWith(status.error_message(), "failed to connect") ||
         absl::StartsWith(status.error_message(), "DNS resolution failed") ||
         absl::StrContains(status.error_message(), "Could not resolve") ||
         absl::StartsWith(status.error_message(), "connections to all backends failing");
}

// What went wrong in the words of the system: the end of gRPC's nested message.
std::string ConnectReason(absl::string_view message) {
  if (absl::StrContains(message, "CERTIFICATE_VERIFY_FAILED") ||
      absl::StrContains(message, "Handshake") || absl::StrContains(message, "handshake")) {
    return "its certificate is not one of the CA in the configuration, or it speaks no TLS; copy "
           "the coordinator's newest grangectl.yml";
  }
  if (absl::StrContains(message, "Peer name") || absl::StrContains(message, "peer name")) {
    return "its certificate is not for this name; start it with --name, or use a name it has";
  }
  if (absl::StrContains(message, "Connection refused")) {
    return "connection refused; start grange-coordinator, or name its address with --coordinator";
  }
  if (absl::StrContains(message, "DNS") || absl::StrContains(message, "resolve")) {
    return "the name is not known; check the address given with --coordinator";
  }
  return absl::StrCat(Printable(message),
                      "; check that it runs, and its address given with --coordinator");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Make(const ClientConfig& config, Amount amount) {
  SilenceGrpc();
  if (!config.insecure && config.ca.empty()) {
    return absl::UnavailableError(absl::StrCat(
        "no CA certificate is known for ", config.coordinator,
        "; name the coordinator's grangectl.yml with --config FILE or $GRANGE_CONFIG"));
  }
  GRANGE_ASSIGN_OR_RETURN(
      const std::shared_ptr<grpc::Channel> channel,
      rpc::MakeChannel({.address = config.coordinator,
                        .ca_pem = config.ca,
                        .insecure = config.insecure,
                        .small_window = amount == Amount::kLittle}));
  return std::unique_ptr<Client>(
      new Client(config.coordinator, config.token, v1::Control::NewStub(channel)));
}

void Client::Prepare(grpc::ClientContext& context) const {
  if (!token_.empty()) rpc::AddBearer(context, token_.Open());
}

absl::Status Client::Describe(const grpc::Status& status) const {
  const absl::Status plain = rpc::FromGrpc(status);
  const std::string message = Printable(status.error_message());
  if (absl::IsUnavailable(plain)) {
    return absl::UnavailableError(absl::StrCat("can't reach the coordinator at ", address_, ": ",
                                               ConnectReason(status.error_message())));
  }
  if (absl::IsDeadlineExceeded(plain)) {
    return absl::DeadlineExceededError(
        absl::StrCat("the coordinator at ", address_, " gave no answer in ",
                     absl::FormatDuration(kCallTimeout), "; look at its log, then try again"));
  }
  if (absl::IsUnauthenticated(plain)) {
    return absl::UnauthenticatedError(
        absl::StrCat(message.empty() ? "the token is not valid" : message,
                     message.find(';') == std::string::npos
                         ? "; use the coordinator's grangectl.yml, or ask for a new token"
                         : ""));
  }
  if (absl::IsUnimplemented(plain)) {
    return absl::UnimplementedError(
        absl::StrCat("the coordinator at ", address_,
                     " does not know this command; bring it to the version of this grangectl (",
                     GRANGE_VERSION, ")"));
  }
  return absl::Status(plain.code(), message);
}

bool Client::IsPassing(const grpc::Status& status) {
  // The coordinator cancels the calls of a token that is revoked: the next one hears why.
  if (status.error_code() == grpc::StatusCode::CANCELLED) return reached_;
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return false;
  if (!NeverConnected(status)) reached_ = true;
  return reached_;
}

void Client::TellNotice(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto notice = metadata.find(rpc::kNoticeKey);
  if (notice == metadata.end() || noticed_.exchange(true)) return;
  std::fprintf(stderr, "grangectl: warning: %.*s\n", static_cast<int>(notice->second.size()),
               notice->second.data());
}

bool Client::WaitForAnswer(grpc::ClientContext& context, absl::Duration for_at_most) {
  Prepare(context);
  context.set_wait_for_ready(true);
  context.set_deadline(absl::ToChronoTime(absl::Now() + for_at_most));
  v1::ServerInfoReply reply;
  const grpc::Status status = stub_->ServerInfo(&context, v1::ServerInfoRequest(), &reply);
  // A refusal is an answer, too.
  return status.error_code() != grpc::StatusCode::UNAVAILABLE &&
         status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED &&
         status.error_code() != grpc::StatusCode::CANCELLED;
}

void Client::Attempts::Prepare(grpc::ClientContext& context) const {
  context.set_wait_for_ready(count_ > 0);  // the first try says at once that nobody listens
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
}

bool Client::Attempts::WaitForNext(const grpc::Status& status) {
  if (!client_.IsPassing(status) || give_up_.IsOver()) return false;
  absl::SleepFor(std::min(kFirstWait * (1 << std::min(count_++, 10)), kLongestWait));
  return true;
}

}  // namespace grange::ctl
