#ifndef GRANGE_TESTS_AGENT_SHIM_SLOW_MASKER_H_
#define GRANGE_TESTS_AGENT_SHIM_SLOW_MASKER_H_

#include <string>
#include <vector>

namespace grange::shim {

// The obvious way to do what Masker does, to compare with: looks for every value at every place,
// with the whole text at hand. Empty values mask nothing. Pure.
std::string MaskSlowly(const std::vector<std::string>& values, const std::string& text);

}  // namespace grange::shim

#endif  // GRANGE_TESTS_AGENT_SHIM_SLOW_MASKER_H_
