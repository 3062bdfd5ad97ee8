#include "tools/ctl/line_times.h"

#include "absl/strings/str_cat.h"

namespace grange::ctl {
namespace {

constexpr char kNoTime[] = "--:--:--.--- ";

}  // namespace

void LineTimes::Add(const v1::LogMark& mark) {
  if (mark.kind() != v1::TraceMark::KIND_TIME) return;
  if (!ahead_.empty() && mark.offset() < ahead_.back().offset()) return;
  ahead_.push_back(mark);
}

std::string LineTimes::Stamp(absl::string_view bytes) {
  std::string stamped;
  while (!bytes.empty()) {
    if (at_line_start_) stamped += TimeAt(offset_);
    const size_t feed = bytes.find('\n');
    at_line_start_ = feed != absl::string_view::npos;
    const absl::string_view line = bytes.substr(0, at_line_start_ ? feed + 1 : feed);
    absl::StrAppend(&stamped, line);
    offset_ += line.size();
    bytes.remove_prefix(line.size());
  }
  return stamped;
}

std::string LineTimes::TimeAt(uint64_t offset) {
  while (!ahead_.empty() && ahead_.front().offset() <= offset) {
    unix_ms_ = ahead_.front().unix_ms();
    ahead_.pop_front();
  }
  if (unix_ms_ < 0) return kNoTime;
  return absl::FormatTime("%H:%M:%E3S ", absl::FromUnixMillis(unix_ms_), zone_);
}

}  // namespace grange::ctl
