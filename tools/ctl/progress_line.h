#ifndef GRANGE_TOOLS_CTL_PROGRESS_LINE_H_
#define GRANGE_TOOLS_CTL_PROGRESS_LINE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tools/ctl/context.h"

namespace grange::ctl {

// One line on stderr that says what takes so long; only on a terminal, gone when done. One thread
// at a time.
class ProgressLine {
 public:
  explicit ProgressLine(const Context& context)
      : shown_at_all_(context.err().is_terminal && !context.json()),
        columns_(context.err().columns) {}
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Show(absl::string_view text);
  void Clear();

 private:
  const bool shown_at_all_;
  const int columns_;
  bool visible_ = false;
};

// "4.2 MiB".
std::string BytesText(uint64_t bytes);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_PROGRESS_LINE_H_
