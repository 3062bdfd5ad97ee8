#ifndef GRANGE_COORDINATOR_TRACE_TRACE_MARK_H_
#define GRANGE_COORDINATOR_TRACE_TRACE_MARK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// What is known of a trace beside its bytes, and how it is written down
// (docs/formats/trace-file.md). Pure.
namespace grange::trace {

struct Mark {
  enum class Kind { kTime, kSectionStart, kSectionEnd };
  uint64_t offset = 0;  // of the byte that it stands before
  int64_t unix_ms = 0;  // by the agent's clock: for people
  Kind kind = Kind::kTime;
  std::string name = {};  // of the section
  friend bool operator==(const Mark&, const Mark&) = default;
};

inline constexpr size_t kMarkNameBytesMax = 64;
// Of one attempt. An agent makes no more than some 100,000 (agent/shim/output_marks.h).
inline constexpr uint64_t kMarksMax = 150'000;
// Before one byte; further ones are dropped.
inline constexpr size_t kMarksAtOneOffsetMax = 16;

// kInvalidArgument for what can't be written down: a name that is not of letters, digits and ._-,
// or a time or an offset out of range. Only a section has a name.
absl::Status CheckMark(const Mark& mark);

// A line with its line feed.
std::string FormatMark(const Mark& mark);
// The line without it; nullopt if it makes no sense.
std::optional<Mark> ParseMark(absl::string_view line);

// Which marks of an attempt are kept, one after the other as they come: those that stand behind the
// last one, or before the same byte and are of another kind or name. So what is sent twice is kept
// once.
class MarkOrder {
 public:
  // True: it is kept, and is the last one from now on.
  bool Take(const Mark& mark);
  uint64_t count() const { return count_; }

 private:
  uint64_t count_ = 0;
  std::vector<Mark> at_last_offset_;
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_TRACE_MARK_H_
