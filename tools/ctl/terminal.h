#ifndef GRANGE_TOOLS_CTL_TERMINAL_H_
#define GRANGE_TOOLS_CTL_TERMINAL_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace grange::ctl {

// What an output stream of this process can show.
struct Terminal {
  bool is_terminal = false;
  bool colours = false;  // a terminal, and NO_COLOR is not set
  int columns = 80;
  int rows = 24;

  static Terminal Of(int fd);
};

enum class Colour { kNone, kRed, kGreen, kYellow, kBlue, kGrey };

// `text` between the escape sequences of a colour, if the terminal shows colours.
std::string Paint(absl::string_view text, Colour colour, const Terminal& terminal);

// The colour of a status ("success", "failed", "online", …).
Colour StatusColour(absl::string_view status);

// Foreign text made safe for a terminal and for one line: control characters and bytes that are
// not UTF-8 become \n, \t or \xNN.
std::string Printable(absl::string_view text);

// The columns that printable UTF-8 text takes, a column for each code point.
size_t Width(absl::string_view text);

// At most `columns` columns of printable UTF-8 text, the last one "…" if something was cut off.
std::string Clip(absl::string_view text, size_t columns);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_TERMINAL_H_
