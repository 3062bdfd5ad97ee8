#ifndef GRANGE_TOOLS_BENCH_REPORT_H_
#define GRANGE_TOOLS_BENCH_REPORT_H_

#include <string>
#include <utility>
#include <vector>

#include "tools/bench/measurement.h"

namespace grange::bench {

// All of docs/benchmarks.md, as Markdown: how it was measured, on what machine, and the tables.
std::string ToMarkdown(const std::vector<std::pair<std::string, std::string>>& machine,
                       const std::vector<RowResult>& rows);

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_REPORT_H_
