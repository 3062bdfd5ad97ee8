#ifndef GRANGE_TOOLS_CTL_WATCH_STATE_H_
#define GRANGE_TOOLS_CTL_WATCH_STATE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "grange/v1/control.pb.h"
#include "tools/ctl/exit_code.h"

namespace grange::ctl {

// What a watcher knows of a pipeline: events in, lines out. An event that tells what is known
// already (after a reconnect the first one has the whole state) gives no line. Pure.
class WatchState {
 public:
  // A change of state, for a pipe.
  struct Line {
    std::string text;
    int64_t failed_job = 0;  // the end of its log belongs below this line
  };

  std::vector<Line> Apply(const v1::WatchEvent& event, absl::Time now);

  bool known() const { return pipeline_.id() != 0; }
  bool ended() const { return ended_; }
  const v1::Pipeline& pipeline() const { return pipeline_; }
  // By stage, then in the order of the file.
  std::vector<const v1::Job*> Jobs() const;
  // True while an elapsed time is shown that grows by itself.
  bool AnythingRuns() const;
  // The job whose log moved last, and still runs; 0 if none. Its end, as raw bytes.
  int64_t TailJob() const;
  const std::string& Tail() const;

  // The last word: the result, the reason, and what to do next. One line, printable.
  std::string Result(absl::Time now) const;
  ExitCode exit_code() const;

 private:
  struct TailBytes {
    uint64_t offset = 0;
    std::string bytes;
  };

  void ApplyTail(const v1::WatchEvent::Tail& tail);
  std::string FirstFailure() const;
  std::string PlayCommands() const;

  v1::Pipeline pipeline_;
  std::map<int64_t, v1::Job> jobs_;
  std::map<int64_t, TailBytes> tails_;
  int64_t tail_job_ = 0;
  bool ended_ = false;
};

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_WATCH_STATE_H_
