#ifndef GRANGE_COORDINATOR_CONTROL_LOG_MARKS_H_
#define GRANGE_COORDINATOR_CONTROL_LOG_MARKS_H_

#include <cstdint>
#include <deque>

#include "common/base/id.h"
#include "coordinator/trace/trace_store.h"
#include "grange/v1/control.pb.h"

namespace grange::control {

// The marks of one log for one reader, each once and in their order. The first one is the time of
// the byte where the reader begins: of what stands before it only the newest time counts, and
// before the first time that of the attempt's start.
//
// One thread. Reads the disk. Marks that can't be read are left out: the log goes on.
class LogMarks {
 public:
  static constexpr int kInOnePart = 2000;

  struct Start {
    int64_t unix_ms = 0;
    // It took so long that there are marks, unless its agent makes none or they are lost: then
    // no time is known.
    bool took_long = false;
  };

  // `traces` must outlive it. `from`: where the reader begins.
  LogMarks(const trace::TraceStore& traces, JobId job, AttemptNumber attempt, Start start,
           uint64_t from)
      : traces_(traces), job_(job), attempt_(attempt), start_(start), from_(from) {}

  // Adds those before the byte `end` to `part`, at most kInOnePart. False if there are more.
  bool AddTo(uint64_t end, v1::LogsPart* part);

 private:
  bool Fill();
  void PassOver();

  const trace::TraceStore& traces_;
  const JobId job_;
  const AttemptNumber attempt_;
  const Start start_;
  const uint64_t from_;
  bool begun_ = false;
  uint64_t position_ = 0;
  std::deque<trace::Mark> waiting_;
};

}  // namespace grange::control

#endif  // GRANGE_COORDINATOR_CONTROL_LOG_MARKS_H_
