#include "coordinator/control/log_marks.h"

#include <utility>
#include <vector>

namespace grange::control {
namespace {

v1::TraceMark::Kind ToProto(trace::Mark::Kind kind) {
  switch (kind) {
    case trace::Mark::Kind::kTime:
      return v1::TraceMark::KIND_TIME;
    case trace::Mark::Kind::kSectionStart:
      return v1::TraceMark::KIND_SECTION_START;
    case trace::Mark::Kind::kSectionEnd:
      return v1::TraceMark::KIND_SECTION_END;
  }
  return v1::TraceMark::KIND_UNSPECIFIED;
}

}  // namespace

bool LogMarks::AddTo(uint64_t end, v1::LogsPart* part) {
  if (!std::exchange(begun_, true)) PassOver();
  while (Fill() && waiting_.front().offset < end) {
    if (part->marks_size() >= kInOnePart) return false;
    const trace::Mark& mark = waiting_.front();
    v1::LogMark* const added = part->add_marks();
    added->set_offset(mark.offset);
    added->set_unix_ms(mark.unix_ms);
    added->set_kind(ToProto(mark.kind));
    added->set_name(mark.name);
    waiting_.pop_front();
  }
  return true;
}

// False if there are no more now.
bool LogMarks::Fill() {
  if (!waiting_.empty()) return true;
  absl::StatusOr<std::vector<trace::Mark>> marks = traces_.ReadMarks(job_, attempt_, position_);
  if (!marks.ok()) return false;
  waiting_.insert(waiting_.end(), std::make_move_iterator(marks->begin()),
                  std::make_move_iterator(marks->end()));
  return !waiting_.empty();
}

void LogMarks::PassOver() {
  if (!Fill() && start_.took_long) return;
  trace::Mark newest{.offset = 0, .unix_ms = start_.unix_ms};
  while (Fill() && waiting_.front().offset < from_) {
    if (waiting_.front().kind == trace::Mark::Kind::kTime) newest = std::move(waiting_.front());
    waiting_.pop_front();
  }
  waiting_.push_front(std::move(newest));
}

}  // namespace grange::control
