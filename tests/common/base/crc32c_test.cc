#include "common/base/crc32c.h"

#include <string>

#include "gtest/gtest.h"

namespace grange {
namespace {

TEST(Crc32cTest, GivesTheKnownChecksums) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(Crc32cTest, IsTheSameInPieces) {
  const std::string text = "the quick brown fox jumps over the lazy dog, twice";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(ExtendCrc32c(Crc32c(text.substr(0, cut)), text.substr(cut)), Crc32c(text)) << cut;
  }
}

TEST(Crc32cTest, IsTheSameWithAndWithoutSpecialInstructions) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(internal::ExtendCrc32cPortable(0, bytes), Crc32c(bytes)) << i;
    bytes.push_back(static_cast<char>(i * 37 + 11));
  }
}

}  // namespace
}  // namespace grange
