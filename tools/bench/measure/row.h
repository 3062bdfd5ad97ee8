#ifndef GRANGE_TOOLS_BENCH_MEASURE_ROW_H_
#define GRANGE_TOOLS_BENCH_MEASURE_ROW_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grange::bench {

// What a figure should be, judged by medians.
struct Goal {
  enum class Kind {
    kNone,
    kAtMost,           // the figure itself
    kAtLeast,          // the same
    kFloorPlusAtMost,  // the figure less its floor
    kRatioAtMost,      // the figure by its floor
    kRatioAtLeast,
  };
  Kind kind = Kind::kNone;
  double limit = 0;
};

struct Figure {
  std::string name;
  std::string unit;
  Goal goal = {};
};

// What one measurement of one side gave: a value for each figure, in their order. A floor may stop
// earlier: the figures that follow have none.
struct Sample {
  std::vector<double> values;
  double work = 0;  // done in it, in units of Row::work_unit
};

// One row of the table: something that Grange does, and its floor, which is the least that this
// machine needs for it. Used by one thread.
class Row {
 public:
  struct Description {
    std::string id;     // "B1"
    std::string title;  // "no-op job on a connected client"
    std::string floor;  // "`bash -c true`, one at a time"; "" if there is none
    std::vector<Figure> figures;
    std::string work_unit;  // "job": adds a figure "CPU time per job"; "" for none
    Goal cpu_goal = {};
    // Of a row whose rounds take long: so many at most, whatever was asked for. 0: as many.
    int rounds_max = 0;
    bool warm_up = true;
    std::string note = {};  // for the reader of the table, such as why there is no floor
  };

  virtual ~Row() = default;
  virtual const Description& description() const = 0;
  // Once, before anything else.
  virtual absl::Status Prepare() { return absl::OkStatus(); }
  virtual absl::StatusOr<Sample> MeasureGrange() = 0;
  virtual absl::StatusOr<Sample> MeasureFloor() { return Sample(); }
  // Whose CPU time counts, with that of their descendants. One that has ended in a measurement must
  // have been waited for.
  virtual std::vector<pid_t> processes() const { return {}; }
};

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_MEASURE_ROW_H_
