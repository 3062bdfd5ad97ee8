#ifndef GRANGE_AGENT_SESSION_STATE_WATCH_H_
#define GRANGE_AGENT_SESSION_STATE_WATCH_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "agent/session/agent_state.h"
#include "common/os/event_loop.h"
#include "common/os/unique_fd.h"

namespace grange::session {

// Notices when an agent's state directory is removed or moved away under it: what the agent does
// from then on could not be kept. Sleeps until then. Used on the loop's thread only.
class StateWatch {
 public:
  // `on_lost` is called once.
  static absl::StatusOr<std::unique_ptr<StateWatch>> Start(os::EventLoop& loop,
                                                           const AgentState& state,
                                                           std::function<void()> on_lost);
  ~StateWatch();
  StateWatch(const StateWatch&) = delete;
  StateWatch& operator=(const StateWatch&) = delete;

 private:
  StateWatch(os::EventLoop& loop, const AgentState& state, std::function<void()> on_lost,
             os::UniqueFd inotify);
  absl::Status Watch();
  void Look();

  os::EventLoop& loop_;
  const AgentState& state_;
  std::function<void()> on_lost_;
  const os::UniqueFd inotify_;
};

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_STATE_WATCH_H_
