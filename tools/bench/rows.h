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
std::unique_ptr<Row> NewCrowdRow(const std::string& dir);        // B6
std::unique_ptr<Row> NewCancelRow(const std::string& dir);       // B7
std::unique_ptr<Row> NewFollowRow(const std::string& dir);       // B8
std::unique_ptr<Row> NewFollowBesideFloodRow(const std::string& dir);  // B8, beside a flood
std::unique_ptr<Row> NewComebackRow(const std::string& dir);     // B9
std::unique_ptr<Row> NewRestartRow(const std::string& dir);      // B10
std::unique_ptr<Row> NewDeadLinkRow(const std::string& dir);     // B11
std::unique_ptr<Row> NewDurabilityRow(const std::string& dir);   // B12
std::unique_ptr<Row> NewMaskingRow();                            // B13
std::unique_ptr<Row> NewWatchersRow(const std::string& dir);     // B14
std::unique_ptr<Row> NewFloodRow(const std::string& dir);        // B15
std::unique_ptr<Row> NewLogFloodRow(const std::string& dir);     // B15, with a log
std::unique_ptr<Row> NewMemoryRow(const std::string& dir);       // B16

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_ROWS_H_
