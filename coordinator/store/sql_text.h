#ifndef GRANGE_COORDINATOR_STORE_SQL_TEXT_H_
#define GRANGE_COORDINATOR_STORE_SQL_TEXT_H_

#include <cstddef>

namespace grange::store {

// Two literals joined while compiling: one column list serves several queries, and each query is
// still one constant, as Connection::Prepare() needs it.
template <size_t A, size_t B>
struct SqlText {
  char text[A + B - 1] = {};

  constexpr SqlText(const char (&columns)[A], const char (&condition)[B]) {
    for (size_t i = 0; i + 1 < A; ++i) text[i] = columns[i];
    for (size_t i = 0; i < B; ++i) text[A - 1 + i] = condition[i];
  }
};

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_SQL_TEXT_H_
