#include "tools/bench/swarm/swarm.h"

#include <atomic>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/notification.h"
#include "absl/time/clock.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/os/deadline.h"
#include "common/os/random.h"
#include "common/rpc/channel.h"
#include "common/rpc/status.h"
#include "common/rpc/token_text.h"
#include "tools/bench/swarm/swarm_agent.h"

namespace grange::bench {
namespace {

constexpr absl::Duration kRegisterMax = absl::Seconds(30);
constexpr absl::Duration kQuietMax = absl::Seconds(10);
constexpr absl::Duration kQuietPoll = absl::Milliseconds(5);

}  // namespace

struct Swarm::Impl : public SwarmCounter {
  Impl(const SwarmOptions& given, std::vector<SwarmAgent::Identity> identities)
      : options(given), completions(std::in_place, loop) {
    for (SwarmAgent::Identity& identity : identities) {
      agents.push_back(
          std::make_unique<SwarmAgent>(loop, *completions, options, *this, std::move(identity)));
    }
    thread = std::thread([this] { loop.Run(); });
  }
  ~Impl() override {
    Disconnect();
    loop.Stop();
    thread.join();
    completions.reset();
  }

  void Count(const std::function<void(SwarmCounts&)>& change) override {
    base::MutexLock lock(mu);
    change(counts);
    changed.SignalAll();
  }
  void CountFlood() override { ++flood_messages; }

  // Runs it on the loop's thread, and waits for it.
  void OnLoop(const std::function<void()>& task) {
    base::Notification done;
    loop.Post([&] {
      task();
      done.Notify();
    });
    done.WaitForNotification();
  }
  void Disconnect() {
    OnLoop([this] {
      for (const auto& agent : agents) agent->Disconnect();
    });
    base::Notification quiet;
    const os::Deadline deadline(kQuietMax);
    // Not an event that gRPC tells anybody: the last stream's end.
    std::function<void()> look = [&] {
      for (const auto& agent : agents) {
        if (agent->IsQuiet() || deadline.IsOver()) continue;
        loop.After(kQuietPoll, look);
        return;
      }
      quiet.Notify();
    };
    loop.Post(look);
    quiet.WaitForNotification();
  }

  const SwarmOptions options;
  std::atomic<int64_t> flood_messages{0};
  base::Mutex mu;
  base::CondVar changed;
  SwarmCounts counts ABSL_GUARDED_BY(mu);
  os::EventLoop loop;
  std::vector<std::unique_ptr<SwarmAgent>> agents;  // of the loop's thread
  std::optional<session::CompletionLoop> completions;
  std::thread thread;
};

absl::StatusOr<std::unique_ptr<Swarm>> Swarm::Register(const SwarmOptions& options,
                                                       const std::string& token, int agents,
                                                       const std::string& prefix) {
  GRANGE_ASSIGN_OR_RETURN(const rpc::RegistrationToken split, rpc::SplitRegistrationToken(token));
  GRANGE_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                          rpc::MakeChannel({.address = options.address,
                                            .ca_pem = options.ca_pem,
                                            .insecure = options.ca_pem.empty()}));
  const std::unique_ptr<v1::AgentHub::Stub> stub = v1::AgentHub::NewStub(channel);
  std::vector<SwarmAgent::Identity> identities;
  for (int i = 0; i < agents; ++i) {
    v1::RegisterRequest request;
    request.set_token(split.token);
    request.set_name(absl::StrCat(prefix, "-", i));
    request.set_run_untagged(true);
    request.set_slots(options.slots);
    request.set_request_key(os::RandomBytes(16));
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kRegisterMax));
    v1::RegisterReply reply;
    GRANGE_RETURN_IF_ERROR(rpc::FromGrpc(stub->Register(&context, request, &reply)));
    identities.push_back({.id = reply.agent_id(), .credential = reply.credential()});
  }
  return std::unique_ptr<Swarm>(new Swarm(std::make_unique<Impl>(options, std::move(identities))));
}

std::unique_ptr<Swarm> Swarm::Unregistered(const SwarmOptions& options, int agents) {
  return std::unique_ptr<Swarm>(new Swarm(std::make_unique<Impl>(
      options, std::vector<SwarmAgent::Identity>(static_cast<size_t>(agents)))));
}

Swarm::Swarm(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Swarm::~Swarm() = default;

void Swarm::Connect() {
  impl_->OnLoop([this] {
    for (const auto& agent : impl_->agents) agent->Connect();
  });
}

void Swarm::Disconnect() { impl_->Disconnect(); }

void Swarm::SetAnswer(OfferAnswer answer) {
  impl_->OnLoop([this, answer] {
    for (const auto& agent : impl_->agents) agent->set_answer(answer);
  });
}

void Swarm::FinishHeld(int first, int end) {
  impl_->OnLoop([this, first, end] {
    for (int i = first; i < end; ++i) impl_->agents[static_cast<size_t>(i)]->FinishHeld();
  });
}

void Swarm::StartFlood(int agent, Flood flood) {
  impl_->OnLoop(
      [this, agent, flood] { impl_->agents[static_cast<size_t>(agent)]->StartFlood(flood); });
}

int64_t Swarm::flood_messages() const { return impl_->flood_messages; }

SwarmCounts Swarm::counts() const {
  base::MutexLock lock(impl_->mu);
  return impl_->counts;
}

void Swarm::ForgetTimes() {
  impl_->Count([](SwarmCounts& counts) {
    counts.last_welcome_at = counts.last_going_down_at = absl::ZeroDuration();
    counts.first_offer_at = absl::ZeroDuration();
  });
}

absl::Status Swarm::WaitUntil(const std::string& what,
                              const std::function<bool(const SwarmCounts&)>& holds,
                              absl::Duration timeout) {
  const os::Deadline deadline(timeout);
  base::MutexLock lock(impl_->mu);
  while (!holds(impl_->counts)) {
    if (deadline.IsOver()) {
      return absl::DeadlineExceededError(absl::StrCat(
          "in ", absl::FormatDuration(timeout), " not: ", what, " (", impl_->counts.open,
          " agents of the swarm are connected; the last error: ", impl_->counts.last_error, ")"));
    }
    impl_->changed.WaitWithTimeout(impl_->mu, deadline.Left());
  }
  return absl::OkStatus();
}

}  // namespace grange::bench
