#ifndef GRANGE_AGENT_TRACE_TRACE_SENDER_H_
#define GRANGE_AGENT_TRACE_TRACE_SENDER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/id.h"
#include "common/os/event_loop.h"
#include "common/os/sha256.h"
#include "common/os/unique_fd.h"
#include "grange/v1/agent.pb.h"

namespace grange::trace {

struct TraceLimits {
  uint64_t unacked_bytes_job = 4 << 20;
  uint64_t unacked_bytes_agent = 32 << 20;
  uint64_t chunk_bytes = 256 << 10;
  absl::Duration gather = absl::Milliseconds(50);
};

// Where the sender's messages go: the Trace stream of one session. Write() is called only when no
// earlier write is under way. The message is shared because a stream that is given up may still be
// writing it.
class TraceWriter {
 public:
  virtual ~TraceWriter() = default;
  virtual void Write(std::shared_ptr<const grange::v1::TraceMsg> message) = 0;
};

// Brings the spools of all attempts to the coordinator: each from the offset that it has, in chunks
// with checksums, at most so many bytes ahead of what it has made durable. The spool itself is
// never changed here. A chunk goes at once while nothing of its attempt is unacknowledged; else
// bytes are gathered for a moment. The next chunk is read while the last one is being written. What
// is known of the output beside its bytes, its marks, goes before the chunk with the byte behind
// it, and all of it before `on_sent`.
//
// Used on the loop's thread only. Reads from the page cache; no call waits for the network.
class TraceSender {
 public:
  explicit TraceSender(os::EventLoop& loop);
  ~TraceSender();
  TraceSender(const TraceSender&) = delete;
  TraceSender& operator=(const TraceSender&) = delete;

  // From now on the file `path` (which may not exist yet) is sent. `from`: bytes that the
  // coordinator is known to have, nullopt if only the next session can tell. `marks`: the file with
  // its marks, "" if there never are any.
  void Open(const Assignment& assignment, const std::string& path, std::optional<uint64_t> from,
            const std::string& marks = "");
  // The file has grown.
  void Grown(const Assignment& assignment);
  // It won't grow beyond `size`. `on_sent` is called (perhaps at once) whenever all of it has been
  // handed to a stream of the current session: the moment to send the result.
  void Ended(const Assignment& assignment, uint64_t size, std::function<void()> on_sent);
  // The attempt is forgotten.
  void Close(const Assignment& assignment);

  // A session begins: its id is written first, so that the coordinator can ask for bytes. Every
  // attempt waits for ResumeAt() except those opened with an offset after this. `writer` must live
  // until Disconnected().
  void Connected(TraceWriter& writer, const std::string& session_id, const TraceLimits& limits);
  void Disconnected();
  // A verdict or a TraceResume: send from `offset` on.
  void ResumeAt(const Assignment& assignment, uint64_t offset);
  // All before `durable` is safe at the coordinator.
  void OnAck(const Assignment& assignment, uint64_t durable);
  void OnWritten();

  // SHA-256 of the file's first `size` bytes, most of it from what was hashed while it was sent.
  // nullopt if more than `at_most` bytes would have to be read now: hash the file elsewhere.
  std::optional<std::string> Digest(const Assignment& assignment, uint64_t size, uint64_t at_most);

 private:
  struct Spool;

  Spool* Find(const Assignment& assignment);
  bool MaySend(const Spool& spool) const;
  bool Prepare();
  bool FillMark(const Assignment& assignment, Spool& spool);
  bool FillNext(const Assignment& assignment, Spool& spool);
  void Pump();
  void ArmGather(Spool& spool);
  void CheckSent(Spool& spool);

  os::EventLoop& loop_;
  TraceLimits limits_;
  TraceWriter* writer_ = nullptr;  // not owned; null between sessions
  std::map<Assignment, std::unique_ptr<Spool>> spools_;
  Assignment last_;       // whose turn it was: the next one in order is asked first
  uint64_t unacked_ = 0;  // of all attempts
  bool writing_ = false;
  std::shared_ptr<grange::v1::TraceMsg> in_flight_, next_;  // shared with the writer
  Assignment next_of_;                                      // of `next_`, when that is prepared
  bool next_ready_ = false;
};

// SHA-256 of the first `size` bytes of a file; kDataLoss if it has fewer. Blocks.
absl::StatusOr<std::string> HashFile(const std::string& path, uint64_t size);

}  // namespace grange::trace

#endif  // GRANGE_AGENT_TRACE_TRACE_SENDER_H_
