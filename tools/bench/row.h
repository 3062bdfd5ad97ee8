#ifndef GRANGE_TOOLS_BENCH_ROW_H_
#define GRANGE_TOOLS_BENCH_ROW_H_

#include <sys/types.h>

#include <memory>
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
  };

  virtual ~Row() = default;
  virtual const Description& description() const = 0;
  // Once, before anything else.
  virtual absl::Status Prepare() { return absl::OkStatus(); }
  virtual absl::StatusOr<Sample> MeasureGrange() = 0;
  virtual absl::StatusOr<Sample> MeasureFloor() { return Sample(); }
  // Whose CPU time counts, with that of their descendants. They stay alive between Prepare() and
  // the row's end.
  virtual std::vector<pid_t> processes() const { return {}; }
};

// Below `dir`, a fresh folder of the row's own, stands all that a row writes.
std::unique_ptr<Row> NewNoopRow(const std::string& dir);         // B1
std::unique_ptr<Row> NewNoopCommandRow(const std::string& dir);  // B1, through grangectl
std::unique_ptr<Row> NewThroughputRow(const std::string& dir);   // B2
std::unique_ptr<Row> NewTraceRow(const std::string& dir);        // B3
std::unique_ptr<Row> NewIdleRow(const std::string& dir);         // B4
std::unique_ptr<Row> NewStartRow(const std::string& dir);        // B4, starting programs
std::unique_ptr<Row> NewCompileRow();                            // B5
std::unique_ptr<Row> NewCancelRow(const std::string& dir);       // B7
std::unique_ptr<Row> NewFollowRow(const std::string& dir);       // B8

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_ROW_H_
