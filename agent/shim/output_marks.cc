#include "agent/shim/output_marks.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace grange::shim {
namespace {

constexpr uint64_t kDoublingsMax = 20;  // then a mark a day

}  // namespace

void OutputMarks::EndSection(uint64_t offset, int64_t now) {
  begun_ = OutputMark::kNoSection;
  if (section_ == OutputMark::kNoSection) return;
  WriteSection(
      {.offset = offset, .unix_ms = now, .kind = OutputMark::kSectionEnd, .section = section_});
  section_ = OutputMark::kNoSection;
}

void OutputMarks::Note(uint64_t offset, int64_t now) {
  if (begun_ != OutputMark::kNoSection) {
    if (!WriteSection({.offset = offset,
                       .unix_ms = now,
                       .kind = OutputMark::kSectionStart,
                       .section = begun_})) {
      return;
    }
    section_ = std::exchange(begun_, OutputMark::kNoSection);
  }
  if (!IsDue(now)) return;
  if (Write({.offset = offset, .unix_ms = now, .kind = OutputMark::kTime, .section = 0})) {
    last_ms_ = now;
  }
}

bool OutputMarks::WriteSection(const OutputMark& mark) {
  if (file_.is_open() || IsDue(mark.unix_ms)) return Write(mark);
  early_.push_back(mark);
  return true;
}

bool OutputMarks::IsDue(int64_t now) const {
  const uint64_t doublings = std::min(marks_ / kMarksPerDistance, kDoublingsMax);
  // A clock that was set back makes one, too.
  return now < last_ms_ || now - last_ms_ >= kDistanceMs << doublings;
}

bool OutputMarks::Write(const OutputMark& mark) {
  if (!file_.is_open()) {
    file_.Reset(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
    if (!file_.is_open()) return false;
    for (const OutputMark& early : std::exchange(early_, {})) Write(early);
  }
  const ssize_t put = write(file_.get(), &mark, sizeof mark);
  if (put == static_cast<ssize_t>(sizeof mark)) {
    ++marks_;
    return true;
  }
  // No piece of a record may stay: the next one would not be where a reader looks for it.
  if (put > 0 && ftruncate(file_.get(), static_cast<off_t>(marks_ * sizeof mark)) != 0) {
    file_.Reset(open("/dev/null", O_WRONLY | O_CLOEXEC));
  }
  return false;
}

int64_t UnixMillis() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace grange::shim
