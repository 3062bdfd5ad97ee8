#ifndef GRANGE_COORDINATOR_STORE_PAGE_SUM_H_
#define GRANGE_COORDINATOR_STORE_PAGE_SUM_H_

#include <cstddef>
#include <cstdint>

namespace grange::store {

// The checksum that SQLite has in its write-ahead log, in the byte order of little-endian machines.
// A change within one word of 4 bytes is always noticed, others with all but certainty.
struct PageSum {
  uint32_t first = 0;
  uint32_t second = 0;
  friend bool operator==(const PageSum&, const PageSum&) = default;
};

// `sum` and then `size` bytes, a multiple of 8.
PageSum AddTo(PageSum sum, const void* bytes, size_t size);

// 4 bytes as SQLite's files have their numbers: the highest first.
uint32_t BigEndian(const unsigned char* bytes);
// A checksum within the log: two of them.
inline PageSum StoredSum(const unsigned char* bytes) {
  return {BigEndian(bytes), BigEndian(bytes + 4)};
}

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_PAGE_SUM_H_
