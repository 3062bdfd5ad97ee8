#include "tools/ctl/time_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace grange::ctl {

std::string Rfc3339(int64_t unix_ms) {
  const char* format = unix_ms % 1000 == 0 ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%dT%H:%M:%E3SZ";
  return absl::FormatTime(format, absl::FromUnixMillis(unix_ms), absl::UTCTimeZone());
}

std::string Ago(int64_t unix_ms, absl::Time now) {
  if (unix_ms == 0) return "";
  const absl::Duration age = now - absl::FromUnixMillis(unix_ms);
  if (age < absl::Seconds(5)) return "just now";
  if (age < absl::Minutes(1)) return absl::StrCat(absl::ToInt64Seconds(age), " s ago");
  if (age < absl::Hours(1)) return absl::StrCat(absl::ToInt64Minutes(age), " min ago");
  if (age < absl::Hours(48)) return absl::StrCat(absl::ToInt64Hours(age), " h ago");
  return absl::StrCat(absl::ToInt64Hours(age) / 24, " days ago");
}

std::string ClockText(absl::Time time) {
  return absl::FormatTime("%H:%M:%S", time, absl::LocalTimeZone());
}

std::string MinuteText(absl::Time time, absl::Time now) {
  const absl::TimeZone zone = absl::LocalTimeZone();
  const bool today = absl::ToCivilDay(time, zone) == absl::ToCivilDay(now, zone);
  return absl::FormatTime(today ? "%H:%M" : "%Y-%m-%d %H:%M", time, zone);
}

absl::Duration Elapsed(int64_t started_ms, int64_t finished_ms, absl::Time now) {
  if (started_ms == 0) return absl::ZeroDuration();
  const absl::Time end = finished_ms == 0 ? now : absl::FromUnixMillis(finished_ms);
  return std::max(end - absl::FromUnixMillis(started_ms), absl::ZeroDuration());
}

std::string CoverageText(double coverage) { return absl::StrFormat("%.4g%%", coverage); }

}  // namespace grange::ctl
