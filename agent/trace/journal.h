#ifndef GRANGE_AGENT_TRACE_JOURNAL_H_
#define GRANGE_AGENT_TRACE_JOURNAL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/id.h"
#include "common/os/event_loop.h"
#include "common/os/unique_fd.h"

namespace grange::trace {

// One step of an attempt that must survive a crash. What `payload` holds depends on the kind and is
// not the journal's business; never a secret.
struct Record {
  enum class Kind : uint8_t {
    kAccepted = 1,   // the offer
    kStarting = 2,   // a shim is about to be started: never start another one
    kFinished = 3,   // the result
    kForgotten = 4,  // nobody needs the attempt any more
  };
  Kind kind = Kind::kAccepted;
  Assignment assignment;
  std::string payload;
};

// The durable steps of all attempts of this agent, in one append-only file
// (docs/formats/agent-journal.md). Used on the loop's thread only.
//
// A record is in the kernel's hands when Append() returns, so it survives the death of this
// process; `on_durable` runs once it would survive the machine's. One fdatasync covers all records
// of a turn of the loop. The file is rewritten, without forgotten attempts, when it is opened and
// when it has grown.
class Journal {
 public:
  struct Options {
    std::string path;
    uint64_t rewrite_bytes = 4 << 20;  // beyond it, once half of it is no longer needed
    // Called when the disk is full; true if that freed some space, so that trying again is useful.
    std::function<bool()> make_room;
  };
  using OnDurable = std::function<void(const absl::Status&)>;

  // Reads what there is. A record that a crash left incomplete ends the file; it and all behind it
  // are kept as '<path>.cut' and a warning names them.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(Options options, os::EventLoop& loop);
  ~Journal();

  // The records of each attempt that isn't forgotten, in the order of writing.
  const std::map<Assignment, std::vector<Record>>& attempts() const { return attempts_; }

  // `on_durable` gets the error if the record could not be written or synced; then it is not there.
  // Never called from within Append().
  void Append(Record record, OnDurable on_durable);
  // The same without a sync of its own: durable with the next one.
  absl::Status AppendLazily(Record record);

 private:
  Journal(Options options, os::EventLoop& loop);

  absl::Status Load();
  absl::Status Write(const Record& record);
  void Remember(Record record);
  absl::Status Rewrite();
  void SyncTurn();

  const Options options_;
  os::EventLoop& loop_;
  os::UniqueFd fd_;
  uint64_t size_ = 0;        // of the file
  uint64_t live_bytes_ = 0;  // of it still needed
  std::map<Assignment, std::vector<Record>> attempts_;
  std::vector<std::pair<OnDurable, absl::Status>> waiting_;
  bool sync_posted_ = false;
  std::shared_ptr<bool> alive_;  // shared with the posted turn, which may run after this is gone
};

}  // namespace grange::trace

#endif  // GRANGE_AGENT_TRACE_JOURNAL_H_
