#include "agent/session/check.h"

#include <grpcpp/client_context.h>
#include <unistd.h>

#include <iterator>
#include <memory>
#include <ostream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agent/session/agent_state.h"
#include "agent/session/codec.h"
#include "agent/session/run_agent.h"
#include "common/base/status_macros.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "common/rpc/channel.h"
#include "common/rpc/credentials.h"
#include "common/rpc/server_pair.h"
#include "common/rpc/status.h"
#include "common/rpc/tls_probe.h"
#include "grange/v1/agent.grpc.pb.h"

namespace grange::session {
namespace {

constexpr absl::Duration kConnectMax = absl::Seconds(10);
constexpr absl::Duration kClockMayDiffer = absl::Seconds(30);
constexpr uint64_t kFreeBytesMin = uint64_t{1} << 30;

class Checklist {
 public:
  explicit Checklist(std::ostream& out) : out_(out) {}

  // Writes one line; remembers the first failure.
  bool Note(absl::string_view what, const absl::Status& status, absl::string_view detail = "") {
    if (status.ok()) {
      out_ << "ok      " << what << (detail.empty() ? "" : ": ") << detail << "\n";
    } else {
      out_ << "FAILED  " << what << ": " << status.message() << "\n";
      if (first_.ok()) first_ = status;
    }
    return status.ok();
  }
  // What can't be looked at, as something before it failed.
  void Skip(absl::string_view what) { out_ << "skipped " << what << "\n"; }
  void Remark(absl::string_view what, absl::string_view text) {
    out_ << "note    " << what << ": " << text << "\n";
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

// Jobs run without them too, so this is never a failure.
std::string LimitsText(const std::string& state_dir) {
  const exec::JobCgroups cgroups = exec::JobCgroups::Find(state_dir, "");
  std::string text = cgroups.ToString();
  if (const std::string& why = cgroups.WhyNoMemory(); !why.empty()) {
    absl::StrAppend(&text, "; not of memory: ", why);
  }
  if (const std::string& why = cgroups.WhyNoPids(); !why.empty()) {
    absl::StrAppend(&text, "; not of processes: ", why);
  }
  return text;
}

// What the coordinator says of itself in the answer to a call that changes nothing: an agent may ask
// for a file that doesn't exist. `admitted` tells whether it knows the credential.
struct HubFacts {
  absl::Status admitted;
  int protocol_min = 0, protocol_max = 0;  // 0: it didn't say
  absl::Duration ahead;                    // its clock, of this machine's
};

int64_t NumberOf(const grpc::ClientContext& context, const char* key) {
  const auto& metadata = context.GetServerInitialMetadata();
  const auto found = metadata.find(key);
  int64_t number = 0;
  if (found != metadata.end()) {
    (void)absl::SimpleAtoi(absl::string_view(found->second.data(), found->second.size()), &number);
  }
  return number;
}

absl::StatusOr<HubFacts> AskHub(const AgentIdentity& identity, const Secret& credential,
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
  HubFacts facts;
  facts.admitted = rpc::FromGrpc(reader->Finish());
  if (absl::IsUnavailable(facts.admitted) || absl::IsDeadlineExceeded(facts.admitted)) {
    return facts.admitted;
  }
  if (!absl::IsUnauthenticated(facts.admitted)) facts.admitted = absl::OkStatus();
  facts.protocol_min = static_cast<int>(NumberOf(context, rpc::kProtocolMinKey));
  facts.protocol_max = static_cast<int>(NumberOf(context, rpc::kProtocolMaxKey));
  if (const int64_t time = NumberOf(context, rpc::kTimeKey); time != 0) {
    facts.ahead = absl::FromUnixMillis(time) - absl::Now();
  }
  return facts;
}

absl::Status CheckProtocol(const HubFacts& hub) {
  if (hub.protocol_max >= kProtocolMin && hub.protocol_min <= kProtocolMax) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "the coordinator speaks versions ", hub.protocol_min, " to ", hub.protocol_max,
      ", this agent ", kProtocolMin, " to ", kProtocolMax, "; upgrade the ",
      hub.protocol_max < kProtocolMin ? "coordinator" : "agent"));
}

void CheckHub(Checklist& list, const AgentIdentity& identity, const Secret& credential,
              const std::string& ca_pem) {
  const absl::StatusOr<HubFacts> hub = AskHub(identity, credential, ca_pem);
  if (!list.Note("credential", hub.ok() ? hub->admitted : hub.status()) && !hub.ok()) {
    return list.Skip("protocol");
  }
  list.Note("protocol", CheckProtocol(*hub),
            absl::StrCat("versions ", hub->protocol_min, " to ", hub->protocol_max));
  if (absl::AbsDuration(hub->ahead) > kClockMayDiffer) {
    list.Remark("clock",
                absl::StrCat("this machine's is ", absl::FormatDuration(absl::Trunc(
                                                       absl::AbsDuration(hub->ahead),
                                                       absl::Seconds(1))),
                             hub->ahead > absl::ZeroDuration() ? " behind" : " ahead of",
                             " the coordinator's; jobs run all the same, the times that people "
                             "see are odd"));
  }
}

// The certificate, what it is made for, whose it is, and whether it is in date.
bool CheckTls(Checklist& list, int fd, const rpc::HostPort& target, const std::string& ca_pem) {
  const absl::StatusOr<std::vector<std::string>> chain =
      rpc::FetchChain(fd, target, kConnectMax);
  const absl::StatusOr<rpc::CertificateFacts> leaf =
      chain.ok() ? rpc::ReadCertificate(chain->front())
                 : absl::StatusOr<rpc::CertificateFacts>(chain.status());
  if (!list.Note("TLS", leaf.status())) return false;
  bool good = list.Note("certificate", rpc::CheckName(chain->front(), target.host),
                        absl::StrCat("for ", absl::StrJoin(leaf->names, ", ")));
  const absl::StatusOr<std::string> fingerprint = rpc::Fingerprint(ca_pem);
  const absl::Status same =
      fingerprint.ok() ? rpc::FindByFingerprint(*chain, *fingerprint).status()
                       : fingerprint.status();
  good &= list.Note(
      "fingerprint",
      same.ok() ? same
                : absl::Status(same.code(),
                               absl::StrCat(same.message(), "; check the address, or register "
                                                            "this agent again")),
      fingerprint.ok() ? *fingerprint : "");
  // Of the CA, too: what trusts it looks at its dates.
  absl::Status dates = rpc::CheckDates(*leaf, absl::Now());
  const absl::StatusOr<rpc::CertificateFacts> ca = rpc::ReadCertificate(ca_pem);
  if (dates.ok() && ca.ok()) dates = rpc::CheckDates(*ca, absl::Now());
  good &= list.Note("dates and clock", dates,
                    absl::StrCat("valid until ", absl::FormatTime("%Y-%m-%d", leaf->until,
                                                                  absl::UTCTimeZone())));
  return good;
}

void CheckConnection(Checklist& list, const AgentState& state, const AgentIdentity& identity) {
  const auto skip_from = [&](size_t first) {
    constexpr absl::string_view kSteps[] = {"TCP",   "TLS",        "certificate", "fingerprint",
                                            "dates", "credential", "protocol"};
    for (size_t i = first; i < std::size(kSteps); ++i) list.Skip(kSteps[i]);
  };
  const absl::StatusOr<Secret> credential = state.LoadCredential();
  const absl::StatusOr<std::string> ca =
      identity.insecure ? absl::StatusOr<std::string>("") : state.LoadCa();
  if (!credential.ok()) list.Note("credential", credential.status());
  if (!ca.ok()) list.Note("CA", ca.status());
  const absl::StatusOr<rpc::HostPort> target = rpc::SplitHostPort(identity.coordinator);
  const absl::StatusOr<std::vector<std::string>> found =
      target.ok() ? rpc::ResolveHost(*target)
                  : absl::StatusOr<std::vector<std::string>>(target.status());
  if (!list.Note("address", found.status(),
                 found.ok() ? absl::StrCat(identity.coordinator, " is ",
                                           absl::StrJoin(*found, ", "))
                            : "")) {
    return skip_from(0);
  }
  const absl::StatusOr<os::UniqueFd> fd = rpc::ConnectTcp(*target, kConnectMax);
  if (!list.Note("TCP", fd.status())) return skip_from(1);
  if (!identity.insecure && (!ca.ok() || !CheckTls(list, fd->get(), *target, *ca))) {
    return skip_from(5);
  }
  if (!credential.ok()) return skip_from(6);
  CheckHub(list, identity, *credential, *ca);
}

}  // namespace

absl::Status CheckAgent(const std::string& state_dir, const std::string& shim_program,
                        std::ostream& out) {
  Checklist list(out);
  const AgentState state(state_dir);
  const absl::StatusOr<AgentIdentity> identity = state.LoadIdentity();
  if (list.Note("registration", identity.status(),
                identity.ok() ? absl::StrCat("agent '", identity->name, "' (",
                                             identity->id.value(), ") of ", identity->coordinator)
                              : "")) {
    CheckConnection(list, state, *identity);
  } else {
    list.Skip("the coordinator");
  }
  list.Note("disk", CheckDisk(state_dir));
  list.Note("git", CheckGit());
  list.Note("shell", CanExecute("/bin/bash"), "/bin/bash");
  const std::string shim = shim_program.empty() ? ShimBesideThisProgram() : shim_program;
  list.Note("grange-shim", CanExecute(shim), shim);
  list.Note("limits of jobs", absl::OkStatus(), LimitsText(state_dir));
  return list.first();
}

}  // namespace grange::session
