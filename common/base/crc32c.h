#ifndef GRANGE_COMMON_BASE_CRC32C_H_
#define GRANGE_COMMON_BASE_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace grange {

// CRC-32C (Castagnoli) of `bytes`, as in iSCSI and ext4: Crc32c("123456789") is 0xe3069283.
uint32_t Crc32c(absl::string_view bytes);

// The same in pieces: Crc32c("ab") == ExtendCrc32c(Crc32c("a"), "b").
uint32_t ExtendCrc32c(uint32_t crc, absl::string_view bytes);

namespace internal {
// The form without special instructions; for machines that have none, and for tests.
uint32_t ExtendCrc32cPortable(uint32_t crc, absl::string_view bytes);
}  // namespace internal

}  // namespace grange

#endif  // GRANGE_COMMON_BASE_CRC32C_H_
