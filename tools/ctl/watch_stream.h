#ifndef GRANGE_TOOLS_CTL_WATCH_STREAM_H_
#define GRANGE_TOOLS_CTL_WATCH_STREAM_H_

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <thread>

#include "absl/status/status.h"
#include "common/base/mutex.h"
#include "common/os/unique_fd.h"
#include "tools/ctl/client.h"
#include "tools/ctl/reconnect.h"

namespace grange::ctl {

// The events of one pipeline, read by a thread of its own, which opens the stream again when it
// breaks. Other methods: one thread.
class WatchStream {
 public:
  // `log_tail`: also the end of running jobs' logs.
  WatchStream(Client& client, int64_t pipeline, bool log_tail);
  ~WatchStream();  // ends the stream
  WatchStream(const WatchStream&) = delete;
  WatchStream& operator=(const WatchStream&) = delete;

  // Readable when Next() has something.
  int ready_fd() const { return ready_.get(); }

  struct Item {
    std::optional<v1::WatchEvent> event = std::nullopt;
    bool broken = false;  // the connection; it is being opened again
    std::optional<absl::Status> finished = std::nullopt;  // the stream is over: OK, or why
  };
  std::optional<Item> Next() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run();
  absl::Status ReadAll();
  // Reads until the stream ends. True if its last event was the pipeline's.
  bool ReadOnce(grpc::Status& status, Reconnect& reconnect);
  // Tells of the break and waits until the coordinator answers, once: false if it didn't.
  bool WaitOut(Reconnect& reconnect);
  bool Stopped() ABSL_LOCKS_EXCLUDED(mu_);
  // Makes `context` the one that the destructor cancels; nullptr: none. False: already stopped.
  bool SetCurrent(grpc::ClientContext* context) ABSL_LOCKS_EXCLUDED(mu_);
  void Put(Item item) ABSL_LOCKS_EXCLUDED(mu_);

  Client& client_;
  const int64_t pipeline_;
  const bool log_tail_;
  os::UniqueFd ready_;
  base::Mutex mu_;
  base::CondVar stopped_;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<Item> items_ ABSL_GUARDED_BY(mu_);
  grpc::ClientContext* current_ ABSL_GUARDED_BY(mu_) = nullptr;  // of the open call
  std::thread thread_;                                           // last: it uses all the others
};

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_WATCH_STREAM_H_
