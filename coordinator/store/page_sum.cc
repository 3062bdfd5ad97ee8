#include "coordinator/store/page_sum.h"

#include <bit>
#include <cstring>

namespace grange::store {

static_assert(std::endian::native == std::endian::little);

PageSum AddTo(PageSum sum, const void* bytes, size_t size) {
  const unsigned char* at = static_cast<const unsigned char*>(bytes);
  for (const unsigned char* const end = at + size; at != end; at += 8) {
    uint32_t words[2];
    std::memcpy(words, at, sizeof(words));
    sum.first += words[0] + sum.second;
    sum.second += words[1] + sum.first;
  }
  return sum;
}

uint32_t BigEndian(const unsigned char* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

}  // namespace grange::store
