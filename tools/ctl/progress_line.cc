#include "tools/ctl/progress_line.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/os/files.h"

namespace grange::ctl {

void ProgressLine::Show(absl::string_view text) {
  if (!shown_at_all_) return;
  visible_ = true;
  os::WriteAll(STDERR_FILENO,
               absl::StrCat("\r", Clip(Printable(text), static_cast<size_t>(columns_ - 1)),
                            "\x1b[K"))
      .IgnoreError();  // only decoration
}

void ProgressLine::Clear() {
  if (!visible_) return;
  visible_ = false;
  os::WriteAll(STDERR_FILENO, "\r\x1b[K").IgnoreError();  // only decoration
}

std::string BytesText(uint64_t bytes) {
  const auto count = static_cast<double>(bytes);
  if (bytes < (1 << 10)) return absl::StrCat(bytes, " bytes");
  if (bytes < (1 << 20)) return absl::StrFormat("%.1f KiB", count / (1 << 10));
  if (bytes < (1 << 30)) return absl::StrFormat("%.1f MiB", count / (1 << 20));
  return absl::StrFormat("%.1f GiB", count / (1 << 30));
}

}  // namespace grange::ctl
