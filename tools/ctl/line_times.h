#ifndef GRANGE_TOOLS_CTL_LINE_TIMES_H_
#define GRANGE_TOOLS_CTL_LINE_TIMES_H_

#include <cstdint>
#include <deque>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grange/v1/control.pb.h"

namespace grange::ctl {

// Puts the time at which it was printed before each line of a log: "12:04:10.123 ". A line begins
// at the log's first byte and after each line feed, whatever else is in it; its time is that of the
// newest mark of a time at or before its first byte. A line of which no time is known gets dashes.
class LineTimes {
 public:
  explicit LineTimes(absl::TimeZone zone = absl::LocalTimeZone()) : zone_(zone) {}

  // In the order of their offsets, before the bytes behind them. Known ones may come again.
  void Add(const v1::LogMark& mark);
  // The bytes of the log that follow those of the last call, with the times put in.
  std::string Stamp(absl::string_view bytes);

 private:
  std::string TimeAt(uint64_t offset);

  const absl::TimeZone zone_;
  std::deque<v1::LogMark> ahead_;  // beyond the newest line
  int64_t unix_ms_ = -1;           // of the newest mark before it; -1: none
  uint64_t offset_ = 0;
  bool at_line_start_ = true;
};

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_LINE_TIMES_H_
