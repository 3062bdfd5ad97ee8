#ifndef GRANGE_TOOLS_CTL_WATCH_SCREEN_H_
#define GRANGE_TOOLS_CTL_WATCH_SCREEN_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tools/ctl/terminal.h"
#include "tools/ctl/watch_state.h"

namespace grange::ctl {

// The live view of a pipeline: its stages, its jobs with state and elapsed time, the end of a
// running job's log. Fewer lines than the terminal has rows, none wider than it: where jobs don't
// fit, those that run or failed are shown first. Pure.
std::vector<std::string> RenderWatch(const WatchState& state, const Terminal& terminal,
                                     absl::Time now);

// Draws lines over the ones that it drew before. Gives the bytes to write.
class RedrawnLines {
 public:
  std::string Draw(const std::vector<std::string>& lines);

 private:
  size_t drawn_ = 0;
};

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_WATCH_SCREEN_H_
