#ifndef GRANGE_TOOLS_BENCH_ROWS_H_
#define GRANGE_TOOLS_BENCH_ROWS_H_

#include <memory>
#include <string>

#include "tools/bench/measure/row.h"

// The rows of the table.
namespace grange::bench {

// All that a row writes is below `dir`, a folder of its own.
std::unique_ptr<Row> NewNoopRow(const std::string& dir);         // B1
std::unique_ptr<Row> NewNoopCommandRow(const std::string& dir);  // B1, through grangectl
std::unique_ptr<Row> NewThroughputRow(const std::string& dir);   // B2
std::unique_ptr<Row> NewTraceRow(const std::string& dir);        // B3
std::unique_ptr<Row> NewIdleRow(const std::string& dir);         // B4
std::unique_ptr<Row> NewStartRow(const std::string& dir);        // B4, starting programs
std::unique_ptr<Row> NewCompileRow();                            // B5
std::unique_ptr<Row> NewCompileEventsRow();                      // B5, with another floor
std::unique_ptr<Row> NewCancelRow(const std::string& dir);       // B7
std::unique_ptr<Row> NewFollowRow(const std::string& dir);       // B8

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_ROWS_H_
