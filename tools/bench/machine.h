#ifndef GRANGE_TOOLS_BENCH_MACHINE_H_
#define GRANGE_TOOLS_BENCH_MACHINE_H_

#include <string>
#include <utility>
#include <vector>

namespace grange::bench {

// What the figures depend on, as name and value: processor, memory, kernel, compiler, the file
// system of `dir`, date. No names of hosts, users or paths.
std::vector<std::pair<std::string, std::string>> DescribeMachine(const std::string& dir);

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_MACHINE_H_
