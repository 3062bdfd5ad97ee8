#include "coordinator/config/source_text.h"

#include <string>

#include "coordinator/config/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::config {
namespace {

using ::testing::HasSubstr;

std::string Problem(const std::string& text) {
  const std::optional<Diagnostic> diagnostic = CheckText({"f.yml", text});
  return diagnostic.has_value() ? diagnostic->ToString() : "";
}

TEST(CheckTextTest, TakesUtf8WithTabsAndBothKindsOfLineEnds) {
  EXPECT_EQ(Problem("a: ü€😀\r\n\tb\n"), "");
  EXPECT_EQ(Problem(""), "");
  EXPECT_EQ(Problem("\xEF\xBB\xBF"
                    "a: b\n"),
            "");
}

TEST(CheckTextTest, RefusesAFileAboveTheLimitWithOneError) {
  EXPECT_EQ(Problem(std::string(50'000'000, 'a')),
            "f.yml: the file has 50000000 bytes; the limit is 16777216; move large data out of the "
            "configuration");
  EXPECT_EQ(Problem(std::string(kFileBytesMax, 'a')), "");
}

TEST(CheckTextTest, NamesThePlaceOfAByteThatIsNoText) {
  EXPECT_THAT(Problem("a: b\nc: \xff\n"), HasSubstr("f.yml:2:4: byte 0xFF is not UTF-8"));
  EXPECT_THAT(Problem("a: \xC0\xAF"), HasSubstr("f.yml:1:4: byte 0xC0"));          // overlong
  EXPECT_THAT(Problem("a: \xED\xA0\x80"), HasSubstr("f.yml:1:4: byte 0xED"));      // surrogate
  EXPECT_THAT(Problem("a: \xF4\x90\x80\x80"), HasSubstr("f.yml:1:4: byte 0xF4"));  // too large
  EXPECT_THAT(Problem("a: \xE2\x82"), HasSubstr("f.yml:1:4: byte 0xE2"));          // cut off
}

TEST(CheckTextTest, RefusesNulAndControlCharacters) {
  EXPECT_THAT(Problem(std::string("a: \0", 4)), HasSubstr("f.yml:1:4: the file has a NUL"));
  EXPECT_THAT(Problem("a: \x1b[0m"), HasSubstr("f.yml:1:4: control character 0x1B"));
}

TEST(CheckTextTest, KnowsUtf16) {
  EXPECT_THAT(Problem(std::string("\xFF\xFE"
                                  "a\0",
                                  4)),
              HasSubstr("f.yml:1:1: the file is in UTF-16"));
}

}  // namespace
}  // namespace grange::config
