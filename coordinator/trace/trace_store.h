#ifndef GRANGE_COORDINATOR_TRACE_TRACE_STORE_H_
#define GRANGE_COORDINATOR_TRACE_TRACE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/id.h"
#include "coordinator/store/store.h"
#include "coordinator/trace/trace_mark.h"

namespace grange::trace {

// The output of all attempts: one append-only file each below `dir` (docs/formats/trace-file.md),
// compressed with zstd once it is complete.
//
// All writing happens on one thread of its own; Append() and Finish() only queue, so reactions may
// call them. Reading may block on the disk. Thread-safe.
class TraceStore {
 public:
  struct Options {
    std::string dir;
    absl::Duration sync_every = absl::Milliseconds(200);  // at the latest
    // At the soonest, and not more often than a tenth of the time: a line that comes alone is
    // acknowledged before the next one, which need not wait for company then. The first bytes of
    // an attempt are synced (not acknowledged) sooner, if there is nothing else to write.
    absl::Duration sync_soonest = absl::Milliseconds(20);
    uint64_t sync_bytes = 1 << 20;
    // What may wait to be written, of all senders and of one (as much as an agent may have
    // unacknowledged of one job): see Append().
    uint64_t queue_bytes_max = 256 << 20;
    uint64_t sender_bytes_max = 8 << 20;
    // How often a full disk is looked at again, while something waits for it.
    absl::Duration retry_every = absl::Seconds(1);
    // With less than this the disk counts as full.
    uint64_t free_bytes_wanted = 4 << 20;
    // False: nothing is written for now, as on a full disk. Called on the writing thread.
    std::function<bool()> may_write = [] { return true; };
    // Something could not be stored for want of space. Called on the writing thread, each time.
    std::function<void(const absl::Status&)> on_full = [](const absl::Status&) {};
    // Taken out only for measurements.
    bool sync = true;
  };

  // What the sender of chunks must hear. Called on the writing thread; must not block.
  class Sender {
   public:
    virtual ~Sender() = default;
    virtual void Ack(const Assignment& assignment, uint64_t durable) = 0;
    virtual void Resume(const Assignment& assignment, uint64_t offset) = 0;
    // The chunk breaks the protocol or cannot be stored (full disk: kResourceExhausted; nothing
    // was kept, it comes again after a Resume).
    virtual void Failed(const Assignment& assignment, const absl::Status& status) = 0;
    // It may send more again, after Append() said no.
    virtual void Drained() = 0;
  };

  // A finished trace, before its final row is committed.
  struct End {
    uint64_t trace_bytes = 0;
    std::string sha256;
    bool damaged = false;
    uint64_t marks_bytes = 0;  // of the file beside it
  };

  static absl::StatusOr<std::unique_ptr<TraceStore>> Open(Options options, store::Store& store,
                                                          const Clock& clock);
  virtual ~TraceStore() = default;  // syncs what is queued

  // Cuts the file of each open attempt to the length in the database. Once, before anything else.
  virtual absl::Status Recover() = 0;

  // Makes the attempt's file ahead of its first byte, so that nothing waits for it then.
  virtual void Prepare(JobId job, AttemptNumber attempt) = 0;

  // `bytes` of the assignment's attempt, from `offset` on (the caller has checked fence and CRC).
  // Bytes that are there already are dropped (and acknowledged again), a gap is answered with
  // Resume, once until something fits. The first Append of a stream opens the attempt; if its row
  // says that it is complete, it is acknowledged and dropped.
  //
  // The senders' bytes are written in turns. False: these bytes are taken, but so many of this
  // sender wait that its stream should not be read until Drained(). The fullest are stopped first.
  virtual bool Append(const Assignment& assignment, uint64_t offset, std::string bytes,
                      std::shared_ptr<Sender> sender) = 0;
  // Keeps what is known of the attempt's bytes beside them, as far as MarkOrder does. Without a
  // word: a mark that can't be kept, or is far ahead of the bytes that are there, is dropped. To be
  // called before the bytes that it stands before, so that who reads these finds it. The caller has
  // checked fence and CheckMark(). False: as Append().
  virtual bool AddMark(const Assignment& assignment, Mark mark,
                       std::shared_ptr<Sender> sender) = 0;

  // Calls `done` (on the writing thread) once the attempt's first `trace_bytes` bytes are durable:
  // syncs at once if they are there, asks for them with Resume if not. A hash that differs is asked
  // for again from 0 once, then stored as `damaged`. Repeating it replaces `done`.
  virtual void Finish(const Assignment& assignment, uint64_t trace_bytes, std::string sha256,
                      std::shared_ptr<Sender> sender,
                      absl::AnyInvocable<void(absl::StatusOr<End>)> done) = 0;
  // The final row is committed: the file may be compressed; watchers see the end.
  virtual void Complete(JobId job, AttemptNumber attempt) = 0;
  // The attempt ended without a result (lost, revoked): what there is stays and gets its
  // PutTraceEnd here, no more is taken.
  virtual void Abandon(JobId job, AttemptNumber attempt) = 0;

  // Nothing more of this attempt can be written, for want of space; it goes on by itself.
  virtual bool IsPaused(JobId job, AttemptNumber attempt) const = 0;
  // Removes the attempt's file, which must be complete, and its marks; nothing if there is none.
  // kFailedPrecondition while it is being written. Blocks on the disk.
  virtual absl::Status Remove(JobId job, AttemptNumber attempt) = 0;

  // Bytes that can be read now (written, perhaps not yet durable).
  virtual uint64_t Size(JobId job, AttemptNumber attempt) const = 0;
  // Up to `max` bytes (at most 8 MiB) from `offset` on; "" at the end. kNotFound if there is no
  // such trace.
  virtual absl::StatusOr<std::string> Read(JobId job, AttemptNumber attempt, uint64_t offset,
                                           size_t max) const = 0;

  // Some of the attempt's marks from `position` of their file on, 0 at first, which becomes that of
  // the next ones. None if there are no more (yet), or never were: a trace is whole without them.
  // All that stand before bytes that can be read are there.
  virtual absl::StatusOr<std::vector<Mark>> ReadMarks(JobId job, AttemptNumber attempt,
                                                      uint64_t& position) const = 0;

  // Calls `on_change` (on the writing thread; must not block) after the attempt's file has grown
  // or is complete, until the returned handle goes. Destroying the handle waits for a call that is
  // running: not from within `on_change`, nor with a lock held that `on_change` takes.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  virtual std::unique_ptr<Watch> Subscribe(JobId job, AttemptNumber attempt,
                                           std::function<void()> on_change) = 0;
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_TRACE_STORE_H_
