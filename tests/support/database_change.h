#ifndef GRANGE_TESTS_SUPPORT_DATABASE_CHANGE_H_
#define GRANGE_TESTS_SUPPORT_DATABASE_CHANGE_H_

#include <string>

namespace grange::test {

// Executes `sql` in a coordinator's database, as the coordinator would: its pages keep good
// checksums. What went wrong, or "". The file must be open nowhere else.
std::string ChangeDatabase(const std::string& path, const std::string& sql);

}  // namespace grange::test

#endif  // GRANGE_TESTS_SUPPORT_DATABASE_CHANGE_H_
