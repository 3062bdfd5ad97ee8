#ifndef GRANGE_TOOLS_BENCH_MEASURE_MEASUREMENT_H_
#define GRANGE_TOOLS_BENCH_MEASURE_MEASUREMENT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/bench/measure/row.h"
#include "tools/bench/measure/statistics.h"

namespace grange::bench {

// One line of the table.
struct FigureResult {
  Figure figure;
  Spread grange;
  std::optional<Spread> floor;
};

struct RowResult {
  std::string id, title, floor, note;
  std::vector<FigureResult> figures;
  Spread others;  // share of all CPUs that others used, 0…1
  int rounds = 0;
  int repeated = 0;   // rounds that were thrown away as others used too much
  int disturbed = 0;  // rounds that were kept although they did
};

// Others may use so much of all CPUs in a round; else it is repeated, so often at most.
inline constexpr double kOthersMax = 0.15;
inline constexpr int kRepeatsMax = 2;

// Prepares the row, measures once to warm up, then `rounds` times (or as often as the row wants at
// most), each time Grange and at once after it the floor. Says on stderr how far it is.
absl::StatusOr<RowResult> MeasureRow(Row& row, int rounds);

// The figure's median by its floor's; none without a floor.
std::optional<double> RatioOf(const FigureResult& result);
// Whether the goal is met; none without a goal.
std::optional<bool> MeetsGoal(const FigureResult& result);

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_MEASURE_MEASUREMENT_H_
