#include "agent/session/registration.h"

#include <grpcpp/client_context.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <istream>
#include <memory>
#include <ostream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agent/session/codec.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/random.h"
#include "common/rpc/channel.h"
#include "common/rpc/fetch_ca.h"
#include "common/rpc/status.h"
#include "common/rpc/token_text.h"
#include "grange/v1/agent.grpc.pb.h"

namespace grange::session {
namespace {

constexpr absl::Duration kCallMax = absl::Seconds(15);
constexpr int kSlotsMax = 1000;
constexpr size_t kNameMax = 100;

absl::Status CheckOptions(const RegisterOptions& options) {
  if (options.slots < 1 || options.slots > kSlotsMax) {
    return absl::InvalidArgumentError(absl::StrCat("--slots must be 1 to ", kSlotsMax));
  }
  if (options.name.size() > kNameMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("--name has more than ", kNameMax, " characters"));
  }
  if (options.coordinator.find(':') == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("--coordinator is '", options.coordinator,
                                                   "'; it needs the form host:port, such as "
                                                   "build.example.org:7420"));
  }
  return absl::OkStatus();
}

// The same for every try of one registration, so that the coordinator knows a repeated one.
absl::StatusOr<std::string> RequestKey(const AgentState& state) {
  const std::string path = state.Path("register_key");
  absl::StatusOr<std::string> key = os::ReadFile(path, 1024);
  if (key.ok() && key->size() == 16) return key;
  const std::string fresh = os::RandomBytes(16);
  GRANGE_RETURN_IF_ERROR(os::WriteFileAtomic(path, fresh));
  return fresh;
}

absl::StatusOr<std::string> CaOf(const RegisterOptions& options,
                                 const rpc::RegistrationToken& token) {
  if (options.insecure) return "";
  if (token.fingerprint.empty()) {
    return absl::InvalidArgumentError(
        "the token names no certificate: copy it whole, with the part behind the dot");
  }
  return rpc::FetchCa(options.coordinator, token.fingerprint, kCallMax);
}

absl::StatusOr<v1::RegisterReply> Call(const RegisterOptions& options, const std::string& token,
                                       const std::string& ca_pem, const std::string& key) {
  GRANGE_ASSIGN_OR_RETURN(
      const std::shared_ptr<grpc::Channel> channel,
      rpc::MakeChannel(
          {.address = options.coordinator, .ca_pem = ca_pem, .insecure = options.insecure}));
  v1::RegisterRequest request;
  request.set_token(token);
  request.set_name(ToUtf8(options.name.empty() ? MachineName() : options.name));
  for (const std::string& tag : options.tags) request.add_tags(ToUtf8(tag));
  request.set_run_untagged(options.run_untagged);
  request.set_slots(options.slots);
  request.set_version(GRANGE_VERSION);
  request.set_request_key(key);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallMax));
  v1::RegisterReply reply;
  const grpc::Status status = v1::AgentHub::NewStub(channel)->Register(&context, request, &reply);
  if (status.ok()) return reply;
  const absl::Status failed = rpc::FromGrpc(status);
  if (absl::IsUnavailable(failed) || absl::IsDeadlineExceeded(failed)) {
    return absl::UnavailableError(absl::StrCat("the coordinator at ", options.coordinator,
                                               " can't be reached: ", failed.message()));
  }
  return failed;
}

}  // namespace

std::string MachineName() {
  char name[256] = "agent";
  ::gethostname(name, sizeof name - 1);
  return name;
}

absl::StatusOr<AgentIdentity> Register(const RegisterOptions& options) {
  GRANGE_RETURN_IF_ERROR(CheckOptions(options));
  GRANGE_ASSIGN_OR_RETURN(const rpc::RegistrationToken token,
                          rpc::SplitRegistrationToken(options.token));
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(options.state_dir));
  const AgentState state(options.state_dir);
  GRANGE_ASSIGN_OR_RETURN(const os::LockFile lock, os::LockFile::Acquire(state.Path("lock")));
  if (state.IsRegistered()) {
    GRANGE_ASSIGN_OR_RETURN(const AgentIdentity known, state.LoadIdentity());
    return absl::AlreadyExistsError(
        absl::StrCat("'", options.state_dir, "' belongs to agent '", known.name, "' of ",
                     known.coordinator, " already; choose another --state for a second agent"));
  }
  GRANGE_ASSIGN_OR_RETURN(const std::string key, RequestKey(state));
  GRANGE_ASSIGN_OR_RETURN(const std::string ca_pem, CaOf(options, token));
  GRANGE_ASSIGN_OR_RETURN(const v1::RegisterReply reply, Call(options, token.token, ca_pem, key));
  AgentIdentity identity;
  identity.id = AgentId(reply.agent_id());
  identity.name = reply.name();
  identity.coordinator = options.coordinator;
  identity.tags.assign(reply.tags().begin(), reply.tags().end());
  identity.run_untagged = reply.run_untagged();
  identity.slots = options.slots;
  identity.insecure = options.insecure;
  GRANGE_RETURN_IF_ERROR(state.SaveRegistration(identity, Secret(reply.credential()), ca_pem));
  GRANGE_RETURN_IF_ERROR(os::RemoveTree(state.Path("register_key")));
  return identity;
}

absl::StatusOr<RegisterOptions> AskForOptions(const RegisterOptions& defaults, std::istream& in,
                                              std::ostream& out) {
  const auto ask = [&](absl::string_view question,
                       const std::string& otherwise) -> absl::StatusOr<std::string> {
    out << question;
    if (!otherwise.empty()) out << " [" << otherwise << "]";
    out << ": " << std::flush;
    std::string line;
    if (!std::getline(in, line)) return absl::CancelledError("not registered: no answer");
    absl::StripAsciiWhitespace(&line);
    return line.empty() ? otherwise : line;
  };
  RegisterOptions options = defaults;
  GRANGE_ASSIGN_OR_RETURN(
      options.coordinator,
      ask("Coordinator (host:port)",
          defaults.coordinator.empty() ? "127.0.0.1:7420" : defaults.coordinator));
  do {
    GRANGE_ASSIGN_OR_RETURN(
        options.token,
        ask("Registration token (from 'grangectl token create --registration')", defaults.token));
  } while (options.token.empty());
  GRANGE_ASSIGN_OR_RETURN(options.name, ask("Name of this agent", MachineName()));
  GRANGE_ASSIGN_OR_RETURN(const std::string tags,
                          ask("Tags, separated by commas", absl::StrJoin(defaults.tags, ",")));
  options.tags.clear();
  for (absl::string_view tag : absl::StrSplit(tags, ',', absl::SkipWhitespace())) {
    options.tags.emplace_back(absl::StripAsciiWhitespace(tag));
  }
  if (!options.tags.empty()) {
    GRANGE_ASSIGN_OR_RETURN(const std::string untagged,
                            ask("Run jobs without tags too (y/n)", "y"));
    options.run_untagged = absl::AsciiStrToLower(untagged).substr(0, 1) != "n";
  }
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const std::string slots,
                            ask("Jobs at the same time", absl::StrCat(defaults.slots)));
    if (absl::SimpleAtoi(slots, &options.slots) && options.slots >= 1) break;
    out << "A number from 1 on, please.\n";
  }
  return options;
}

}  // namespace grange::session
