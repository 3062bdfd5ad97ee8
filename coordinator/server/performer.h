#ifndef GRANGE_COORDINATOR_SERVER_PERFORMER_H_
#define GRANGE_COORDINATOR_SERVER_PERFORMER_H_

#include <atomic>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "coordinator/control/change_feed.h"
#include "coordinator/schedule/decision.h"
#include "coordinator/server/disk_reserve.h"
#include "coordinator/server/pipeline_book.h"
#include "coordinator/session/session_hub.h"
#include "coordinator/store/store.h"
#include "coordinator/trace/trace_store.h"

namespace grange::server {

// What the core decided on one event, with what belongs into the same transaction.
struct Batch {
  std::vector<schedule::Decision> decisions;
  std::optional<store::PutTraceEnd> trace_end;  // of the attempt that this result ended
  store::Answer answer{};                       // to the person who asked for it
  absl::AnyInvocable<void(absl::Status)> done;  // may be empty; called once it is durable
};

// Carries out the core's decisions on a thread of its own: store first, then send. All batches
// that wait are one transaction (group commit), so the durable rate is bounded by batches, not by
// syncs; a crash between the two repeats, never loses.
//
// When the disk is full the reserve is given up, and results are recorded in its space; new things
// are refused, nothing is offered and logs pause until it is whole again: read_only_reason() says so.
// Where even that space is used up, the batches wait. Others who find the disk full tell it through
// the reserve. Any other failure of the disk, three times in
// a row, stops the program: an answer that could not be stored must never get out (ADR 0019).
class Performer {
 public:
  struct Parts {
    store::Store& store;
    trace::TraceStore& traces;
    session::SessionHub& hub;
    PipelineBook& book;
    control::ChangeFeed& feed;
    const Clock& clock;
    DiskReserve& reserve;
    std::function<std::string()> server_url;  // thread-safe
    bool group_commits = true;                // without it only for measurements
  };
  explicit Performer(Parts parts);
  ~Performer();  // performs what waits
  Performer(const Performer&) = delete;
  Performer& operator=(const Performer&) = delete;

  void Perform(std::vector<Batch> batches) ABSL_LOCKS_EXCLUDED(mu_);  // any thread; only queues
  std::string read_only_reason() const ABSL_LOCKS_EXCLUDED(mu_);
  // The reason has changed ("": none any more). Called on the performer's thread; set it before the
  // first batch.
  void SetOnReadOnly(std::function<void(const std::string&)> f) { on_read_only_ = std::move(f); }
  // A job could not be handed out: what it is made of can't be put into words, or is too large.
  // The core must hear of it. Called on the performer's thread; set it before the first batch.
  void SetOnUnofferable(std::function<void(const Assignment&, const absl::Status&)> f) {
    on_unofferable_ = std::move(f);
  }

 private:
  void Loop();
  void WaitForCompany() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // False only when the performer is stopping and the disk is still full.
  bool Commit(const std::vector<store::Write>& writes);
  // False if the reserve was given up before.
  bool GiveUpReserve(const absl::Status& why) ABSL_LOCKS_EXCLUDED(mu_);
  void SetReadOnly(const std::string& reason) ABSL_LOCKS_EXCLUDED(mu_);
  // The disk is full, or was: whether the reserve fits again is looked at once in a while.
  void WaitForSpace() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeBackReserve() ABSL_LOCKS_EXCLUDED(mu_);
  void Send(Batch& batch);
  void Send(const schedule::SendOffer& offer);
  void Send(const schedule::SendStart& start);
  void CannotOffer(const Assignment& assignment, const absl::Status& why);
  void AfterCommit(const schedule::StoreJob& row, bool has_trace_end);
  absl::StatusOr<session::JobSpec> SpecFor(const schedule::SendOffer& offer);

  const Parts parts_;
  std::function<void(const Assignment&, const absl::Status&)> on_unofferable_;
  std::function<void(const std::string&)> on_read_only_;
  mutable base::Mutex mu_;
  base::CondVar work_;
  std::deque<Batch> waiting_ ABSL_GUARDED_BY(mu_);
  bool urgent_ ABSL_GUARDED_BY(mu_) = false;  // somebody waits for something in `waiting_`
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::string read_only_reason_ ABSL_GUARDED_BY(mu_);
  absl::Status full_ ABSL_GUARDED_BY(mu_);  // what somebody else could not store
  std::thread thread_;
};

}  // namespace grange::server

#endif  // GRANGE_COORDINATOR_SERVER_PERFORMER_H_
