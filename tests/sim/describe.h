#ifndef GRANGE_TESTS_SIM_DESCRIBE_H_
#define GRANGE_TESTS_SIM_DESCRIBE_H_

#include <string>

#include "tests/sim/messages.h"

namespace grange::sim {

// One line each, for the log of a seed that is run alone.
std::string Describe(const ToHub& message);
std::string Describe(const ToAgent& message);
std::string Describe(const schedule::Event& event);
std::string Describe(const schedule::Decision& decision);

}  // namespace grange::sim

#endif  // GRANGE_TESTS_SIM_DESCRIBE_H_
