#ifndef GRANGE_TESTS_SUPPORT_DATABASE_DAMAGE_H_
#define GRANGE_TESTS_SUPPORT_DATABASE_DAMAGE_H_

#include <string>

namespace grange::test {

// What SQLite's integrity_check finds wrong in the file, a wrong checksum of a page, or why it could not look; "" if all is
// well. The file must be open nowhere else.
std::string DatabaseDamage(const std::string& path);

}  // namespace grange::test

#endif  // GRANGE_TESTS_SUPPORT_DATABASE_DAMAGE_H_
