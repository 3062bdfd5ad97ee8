#include "tools/bench/swarm/bare_hub.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <poll.h>
#include <signal.h>

#include <cstdio>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/os/signals.h"
#include "common/rpc/credentials.h"
#include "grange/v1/agent.grpc.pb.h"

namespace grange::bench {
namespace {

constexpr char kHost[] = "127.0.0.1";

class BareStream;

// All streams there are.
class Streams {
 public:
  void Add(BareStream* stream) {
    base::MutexLock lock(mu_);
    streams_.insert(stream);
  }
  void Remove(BareStream* stream) {
    base::MutexLock lock(mu_);
    streams_.erase(stream);
  }
  void TellAll();

 private:
  base::Mutex mu_;
  std::set<BareStream*> streams_ ABSL_GUARDED_BY(mu_);  // each until it removes itself
};

// Deletes itself in OnDone(). Nothing is written to it but the Welcome and what TellAll() says, and
// the one is long over when the other comes.
class BareStream : public grpc::ServerBidiReactor<v1::AgentMsg, v1::HubMsg> {
 public:
  explicit BareStream(Streams& streams) : streams_(streams) { StartRead(&in_); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      streams_.Remove(this);
      return Finish(grpc::Status::OK);
    }
    if (in_.has_hello()) {
      out_.mutable_welcome()->set_session_id("bare");
      out_.mutable_welcome()->set_protocol(1);
      out_.mutable_welcome()->set_heartbeat_every_ms(10'000);
      out_.mutable_welcome()->set_silence_limit_ms(600'000);  // heartbeats are not answered
      StartWrite(&out_);
      streams_.Add(this);
    }
    StartRead(&in_);
  }
  void Tell() {
    out_.mutable_going_down()->set_expected_ms(1000);
    StartWrite(&out_);
  }
  void OnDone() override { delete this; }

 private:
  Streams& streams_;
  v1::AgentMsg in_;
  v1::HubMsg out_;
};

void Streams::TellAll() {
  base::MutexLock lock(mu_);
  for (BareStream* stream : streams_) stream->Tell();
}

class BareService : public v1::AgentHub::WithCallbackMethod_Control<v1::AgentHub::Service> {
 public:
  explicit BareService(Streams& streams) : streams_(streams) {}
  grpc::ServerBidiReactor<v1::AgentMsg, v1::HubMsg>* Control(
      grpc::CallbackServerContext*) override {
    return new BareStream(streams_);  // deletes itself in OnDone()
  }

 private:
  Streams& streams_;
};

}  // namespace

absl::Status RunBareHub(const std::string& dir) {
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd signals, os::TakeSignals({SIGUSR1, SIGTERM}));
  GRANGE_ASSIGN_OR_RETURN(const rpc::KeyPair ca, rpc::LoadOrMakeCa(dir, absl::Now()));
  GRANGE_ASSIGN_OR_RETURN(const rpc::KeyPair pair,
                          rpc::IssueServerCertificate(ca, {kHost}, absl::Now()));
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({pair.key_pem, pair.certificate_pem});
  Streams streams;
  BareService service(streams);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(absl::StrCat(kHost, ":0"), grpc::SslServerCredentials(tls), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) return absl::UnavailableError("no port for a bare hub");
  std::printf("ready %d\n", port);
  std::fflush(stdout);
  pollfd wait{signals.get(), POLLIN, 0};
  while (true) {
    poll(&wait, 1, -1);
    const int signal = os::NextSignal(signals.get());
    if (signal == SIGUSR1) streams.TellAll();
    if (signal == SIGTERM) break;
  }
  server->Shutdown(absl::ToChronoTime(absl::Now()));
  return absl::OkStatus();
}

}  // namespace grange::bench
