#include "common/text/size_text.h"

#include "gtest/gtest.h"

namespace grange::text {
namespace {

TEST(ParseSizeTest, ReadsWhatPeopleWrite) {
  const std::pair<const char*, uint64_t> cases[] = {{"700000", 700000},
                                                    {"512MiB", 512 << 20},
                                                    {"512 MB", 512 << 20},
                                                    {"512m", 512 << 20},
                                                    {" 2GiB ", 2ull << 30},
                                                    {"2G", 2ull << 30},
                                                    {"1.5g", 3ull << 29},
                                                    {"1 TiB", 1ull << 40},
                                                    {"64KiB", 64 << 10},
                                                    {"7 bytes", 7},
                                                    {"7b", 7},
                                                    {"0", 0}};
  for (const auto& [text, bytes] : cases) {
    const absl::StatusOr<uint64_t> size = ParseSize(text);
    ASSERT_TRUE(size.ok()) << text << ": " << size.status();
    EXPECT_EQ(*size, bytes) << text;
  }
}

TEST(ParseSizeTest, RefusesWhatIsNoSize) {
  for (const char* text : {"", "lots", "-1", "1.2.3", "5 apples", "1ibs", "MiB", "ib", "2mm", "1e3",
                           "999999999 TiB", "5 kbytes of it", "0x10", "5ib"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseSize(text).status())) << text;
  }
}

TEST(FormatSizeTest, TakesTheLargestUnitInWhichItIsShort) {
  EXPECT_EQ(FormatSize(512 << 20), "512 MiB");
  EXPECT_EQ(FormatSize(3ull << 29), "1.5 GiB");
  EXPECT_EQ(FormatSize(2ull << 40), "2 TiB");
  EXPECT_EQ(FormatSize(1000), "1000 bytes");
  EXPECT_EQ(FormatSize(0), "0 bytes");
}

}  // namespace
}  // namespace grange::text
