#ifndef GRANGE_TOOLS_BENCH_STATISTICS_H_
#define GRANGE_TOOLS_BENCH_STATISTICS_H_

#include <vector>

namespace grange::bench {

// The value that `share` (0…1) of the sorted values don't exceed, interpolated between neighbours:
// Quantile({1, 2, 3, 4}, 0.5) is 2.5. NaN of no values.
double Quantile(std::vector<double> values, double share);

// What a table shows of a figure's rounds.
struct Spread {
  double min = 0;
  double median = 0;
  double max = 0;
};

// NaNs of no values.
Spread SpreadOf(const std::vector<double>& values);

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_STATISTICS_H_
