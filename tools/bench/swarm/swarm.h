#ifndef GRANGE_TOOLS_BENCH_SWARM_SWARM_H_
#define GRANGE_TOOLS_BENCH_SWARM_SWARM_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace grange::bench {

// What an agent of a swarm does with a job that it is offered.
enum class OfferAnswer {
  kDecline,
  kRun,   // a job that prints nothing and succeeds as soon as it may start
  kHold,  // it runs until FinishHeld()
};

struct SwarmOptions {
  std::string address;  // of the coordinator, "host:port"
  std::string ca_pem;   // "": plain text
  int slots = 1;
  bool trace_streams = true;  // a Trace stream beside each Control stream, as agents have it
  OfferAnswer answer = OfferAnswer::kDecline;
  absl::Duration reconnect_max = absl::Seconds(15);
};

// What the agents have seen since they were made. Times are those of os::SinceBoot().
struct SwarmCounts {
  int open = 0;  // sessions that are open now
  int held = 0;  // jobs that run now
  int64_t welcomes = 0, offers = 0, declined = 0, results = 0, forgotten = 0;
  int64_t sessions_ended = 0, going_downs = 0;
  absl::Duration last_welcome_at, last_going_down_at;
  absl::Duration first_offer_at;  // since the last ForgetTimes()
  std::string last_error;         // why a session was not opened, or ended
};

// Many agents in one process, for one coordinator: each has a registration, a connection over TLS
// and a session of its own, sends heartbeats, comes back by itself with the agents' jitter and
// tells of its jobs then. Its jobs are no processes. Two threads carry them all.
//
// Thread-safe. Agents are numbered from 0.
class Swarm {
 public:
  // With a registration token of at least `agents` uses, as `grangectl token create` prints it.
  // The agents are named "<prefix>-<number>".
  static absl::StatusOr<std::unique_ptr<Swarm>> Register(const SwarmOptions& options,
                                                         const std::string& token, int agents,
                                                         const std::string& prefix = "swarm");
  // For a BareHub, which knows nobody.
  static std::unique_ptr<Swarm> Unregistered(const SwarmOptions& options, int agents);
  ~Swarm();  // the sessions end without a word
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  // Every agent connects now, and from now on whenever its session has ended.
  void Connect();
  // All sessions end, and none is opened until Connect(). Jobs are kept. Returns once it is so.
  void Disconnect();
  void SetAnswer(OfferAnswer answer);
  // The jobs that the agents from `first` up to `end` run now have ended with success: they tell it
  // at once, or when they are back.
  void FinishHeld(int first, int end);

  enum class Flood {
    kMessages,  // heartbeats, and declines of jobs that nobody has offered
    kTrace,     // the output of a job that it runs, without waiting for acknowledgements
  };
  // One agent sends this from now on as fast as its stream takes it, while it has a session.
  void StartFlood(int agent, Flood flood);
  int64_t flood_messages() const;  // that have been sent

  SwarmCounts counts() const;
  void ForgetTimes();
  // Waits until it holds. kDeadlineExceeded with `what` and the last error.
  absl::Status WaitUntil(const std::string& what,
                         const std::function<bool(const SwarmCounts&)>& holds,
                         absl::Duration timeout);

 private:
  struct Impl;
  explicit Swarm(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_SWARM_SWARM_H_
