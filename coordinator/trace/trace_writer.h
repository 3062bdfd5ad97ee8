#ifndef GRANGE_COORDINATOR_TRACE_TRACE_WRITER_H_
#define GRANGE_COORDINATOR_TRACE_TRACE_WRITER_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/mutex.h"
#include "coordinator/trace/compressor.h"
#include "coordinator/trace/fair_queue.h"
#include "coordinator/trace/folder_syncer.h"
#include "coordinator/trace/mark_file.h"
#include "coordinator/trace/trace_file.h"
#include "coordinator/trace/trace_store.h"
#include "coordinator/trace/turn_pace.h"
#include "coordinator/trace/watchers.h"

namespace grange::trace {

// The inside of TraceStore: a queue of commands and the one thread that carries them out
// (trace_writer.cc: queue, thread, reading; attempt_writing.cc: what a command does).
class TraceWriter final : public TraceStore {
 public:
  TraceWriter(Options options, store::Store& store, const Clock& clock);
  ~TraceWriter() override;

  absl::Status Recover() override;
  void Prepare(JobId job, AttemptNumber attempt) override;
  bool Append(const Assignment& assignment, uint64_t offset, std::string bytes,
              std::shared_ptr<Sender> sender) override;
  bool AddMark(const Assignment& assignment, Mark mark, std::shared_ptr<Sender> sender) override;
  void Finish(const Assignment& assignment, uint64_t trace_bytes, std::string sha256,
              std::shared_ptr<Sender> sender,
              absl::AnyInvocable<void(absl::StatusOr<End>)> done) override;
  void Complete(JobId job, AttemptNumber attempt) override;
  void Abandon(JobId job, AttemptNumber attempt) override;
  bool IsPaused(JobId job, AttemptNumber attempt) const override;
  absl::Status Remove(JobId job, AttemptNumber attempt) override;
  uint64_t Size(JobId job, AttemptNumber attempt) const override;
  absl::StatusOr<std::string> Read(JobId job, AttemptNumber attempt, uint64_t offset,
                                   size_t max) const override;
  absl::StatusOr<std::vector<Mark>> ReadMarks(JobId job, AttemptNumber attempt,
                                              uint64_t& position) const override;
  std::unique_ptr<Watch> Subscribe(JobId job, AttemptNumber attempt,
                                   std::function<void()> on_change) override;

 private:
  using Key = Watchers::Key;
  using Done = absl::AnyInvocable<void(absl::StatusOr<End>)>;

  struct PrepareFile {
    Key key;
  };
  struct AppendBytes {
    Assignment assignment;
    uint64_t offset = 0;
    std::string bytes;
    std::shared_ptr<Sender> sender;
  };
  struct KeepMark {
    Assignment assignment;
    Mark mark;
  };
  struct FinishTrace {
    Assignment assignment;
    uint64_t trace_bytes = 0;
    std::string sha256;
    std::shared_ptr<Sender> sender;
    Done done;
  };
  struct CompleteTrace {
    Key key;
  };
  struct AbandonTrace {
    Key key;
  };
  struct NoteCompressed {
    Key key;
    uint64_t bytes = 0;
  };
  using Command = std::variant<PrepareFile, AppendBytes, KeepMark, FinishTrace, CompleteTrace,
                               AbandonTrace, NoteCompressed>;

  using Queue = FairQueue<Sender, Key, Command>;

  // An attempt whose trace is being written. Senders are shared with the streams that made them:
  // a stream may end while we still answer it.
  struct Attempt {
    Attempt(Key k, TraceFile f) : key(k), file(std::move(f)), committed(file.size()) {}
    Key key;
    TraceFile file;
    // The folder's sync that makes the name of a new file durable; 0: it is.
    FolderSyncer::Ticket name_ticket = 0;
    std::optional<MarkFile> marks;   // from the first one on
    bool marks_fail = false;         // said once
    uint64_t committed;              // the length in the database
    Assignment assignment;           // of the newest chunk or result
    std::shared_ptr<Sender> sender;  // which sent it
    std::optional<FinishTrace> finish;
    bool finish_told = false;  // `done` was called: the caller writes the last length
    bool asked_again = false;  // a hash differed once
    bool stalled = false;      // nothing could be written; waits for space
    // Where the last Resume pointed and to whom, so that the rest of a window that was on its way
    // is not answered chunk by chunk.
    std::optional<uint64_t> resumed_at;
    const Sender* resumed_sender = nullptr;
  };

  bool Push(const std::shared_ptr<Sender>& sender, const Key& key, uint64_t bytes, Command command)
      ABSL_LOCKS_EXCLUDED(mu_);

  // All from here on runs on the writing thread.
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  bool TakeCommand(std::optional<Queue::Taken>& taken) ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t GroupBytes(const Queue::Taken& taken);
  absl::Duration TimeToDeadline() const;
  void RunDeadlines();

  void Do(PrepareFile& command);
  void Do(AppendBytes& command);
  void Do(KeepMark& command);
  void Do(FinishTrace& command);
  void Do(CompleteTrace& command);
  void Do(AbandonTrace& command);
  void Do(NoteCompressed& command);

  // The open attempt, or opens it. None: it is complete already, and `*over` tells how it ended.
  absl::StatusOr<Attempt*> OpenAttempt(const Key& key, std::optional<store::AttemptRow>* over);
  absl::StatusOr<Attempt*> OpenFile(const Key& key, uint64_t length);
  void Close(const Key& key);
  absl::Status AddMark(Attempt& attempt, const Mark& mark);
  uint64_t MarksBytes(const Key& key) const;
  void AskFrom(Attempt& attempt, uint64_t offset);
  void Stall(Attempt& attempt, const absl::Status& status);
  void SetPaused(const Key& key, bool paused) ABSL_LOCKS_EXCLUDED(mu_);
  void CheckFinish(Attempt& attempt);
  void StartAgain(Attempt& attempt);
  absl::Status SyncOne(Attempt& attempt);
  void SyncOrStall(Attempt& attempt);
  void SyncFresh() ABSL_LOCKS_EXCLUDED(mu_);
  void SyncAll();
  void CommitLengths();
  void RetryStalled();
  void MarkUnsynced(Attempt& attempt);
  void ForgetUnsynced(Attempt& attempt);
  void TellChanges();

  const Options options_;
  store::Store& store_;
  const Clock& clock_;
  Watchers watchers_;
  FolderSyncer folder_syncer_;

  mutable base::Mutex mu_;
  base::CondVar changed_;
  Queue queue_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  // Readable bytes of the open attempts.
  absl::flat_hash_map<Key, uint64_t> visible_ ABSL_GUARDED_BY(mu_);
  std::set<Key> paused_ ABSL_GUARDED_BY(mu_);  // the keys of stalled_

  // Of the writing thread (and of Recover(), before there is anything to write).
  TurnPace pace_{TurnPace::Limits()};
  std::map<Key, std::unique_ptr<Attempt>> attempts_;
  std::set<Attempt*> unsynced_;  // bytes that are not on disk, or not in the database
  std::set<Attempt*> fresh_;  // some of them, whose first bytes were never synced
  std::set<Attempt*> stalled_;
  std::vector<store::TraceSize> compressed_;  // sizes that go into the next transaction
  std::set<Key> grown_;                       // since the last TellChanges()
  std::set<std::string> folders_;             // known to exist
  uint64_t unsynced_bytes_ = 0;
  // Whose commands were carried out since the last sync: of nobody yet, of one, of several.
  std::optional<const void*> group_of_;
  bool group_is_shared_ = false;
  absl::Duration last_sync_took_ = absl::ZeroDuration();
  absl::Duration sync_at_ = absl::InfiniteDuration();  // on clock_.SinceBoot()
  absl::Duration retry_at_ = absl::InfiniteDuration();
  Compressor compressor_;  // tells of sizes: goes before the queue
  std::thread thread_;
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_TRACE_WRITER_H_
