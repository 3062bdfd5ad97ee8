#include "tests/agent/shim/slow_masker.h"

#include <algorithm>

namespace grange::shim {

std::string MaskSlowly(const std::vector<std::string>& values, const std::string& text) {
  std::string out;
  size_t end = 0;  // of the region being passed
  for (size_t at = 0; at < text.size(); ++at) {
    size_t longest = 0;
    for (const std::string& value : values) {
      if (value.size() <= longest || value[0] != text[at]) continue;
      if (text.compare(at, value.size(), value) == 0) longest = value.size();
    }
    if (longest != 0) {
      if (at >= end) out += "[MASKED]";
      end = std::max(end, at + longest);
    }
    if (at >= end) out += text[at];
  }
  return out;
}

}  // namespace grange::shim
