#ifndef GRANGE_TOOLS_CTL_TIME_TEXT_H_
#define GRANGE_TOOLS_CTL_TIME_TEXT_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

// Times as people and scripts read them. The wire has Unix milliseconds, 0 for "not yet".
namespace grange::ctl {

// "2024-05-01T12:00:00.123Z"; milliseconds only where there are some.
std::string Rfc3339(int64_t unix_ms);

// "just now", "5 min ago", "3 h ago", "2 days ago"; "" for 0.
std::string Ago(int64_t unix_ms, absl::Time now);

// "12:00:01" in the local time zone.
std::string ClockText(absl::Time time);

// "12:30" in the local time zone, "2024-05-02 12:30" if that is another day than now.
std::string MinuteText(absl::Time time, absl::Time now);

// From start to end, or to `now` while there is no end; zero before the start.
absl::Duration Elapsed(int64_t started_ms, int64_t finished_ms, absl::Time now);

// "87%", "87.5%".
std::string CoverageText(double coverage);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_TIME_TEXT_H_
