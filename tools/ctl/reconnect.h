#ifndef GRANGE_TOOLS_CTL_RECONNECT_H_
#define GRANGE_TOOLS_CTL_RECONNECT_H_

#include <optional>

#include "absl/time/time.h"
#include "common/os/deadline.h"
#include "common/rpc/backoff.h"
#include "tools/ctl/client.h"

namespace grange::ctl {

// How a stream that broke comes back: waits between the tries, gives up after a while. One thread.
class Reconnect {
 public:
  explicit Reconnect(Client& client);

  // Something arrived: the next break starts from a short wait again.
  void NoteProgress();
  // After a stream ended with `status`: true if it should be opened again: after Delay(), and when
  // WaitForAnswer() is true.
  bool ShouldRetry(const grpc::Status& status);
  absl::Duration Delay();
  // False if the coordinator was given up, or `context` was canceled.
  bool WaitForAnswer(grpc::ClientContext& context);
  // All three in one.
  bool Wait(const grpc::Status& status);

 private:
  Client& client_;
  rpc::Backoff backoff_;
  std::optional<os::Deadline> give_up_;  // set when it broke
};

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_RECONNECT_H_
