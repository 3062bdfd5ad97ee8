#ifndef GRANGE_TESTS_SUPPORT_PLANTED_H_
#define GRANGE_TESTS_SUPPORT_PLANTED_H_

#include <set>
#include <string>
#include <vector>

// Finds secrets where they must not be.
namespace grange::test {

struct Planted {
  std::string name;   // for messages, which never show the value
  std::string value;
  std::set<std::string> may_be_in = {};  // names of files, such as "credential"
};

// Looks into every regular file below `dir`, its name included, and says where it found which: a line
// each, "" if nowhere. Core files are named whatever is in them.
std::string FindInFiles(const std::vector<Planted>& planted, const std::string& dir);

// The same for the command line and the environment of each process that has `mark` in one of them.
// A job's own processes may have them in their environment.
std::string FindInProcesses(const std::vector<Planted>& planted, const std::string& mark);

}  // namespace grange::test

#endif  // GRANGE_TESTS_SUPPORT_PLANTED_H_
