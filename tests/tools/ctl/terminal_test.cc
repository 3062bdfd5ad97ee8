#include "tools/ctl/terminal.h"

#include <gtest/gtest.h>

namespace grange::ctl {
namespace {

struct PrintableCase {
  const char* name;
  std::string text;
  std::string printable;
};

class PrintableTest : public ::testing::TestWithParam<PrintableCase> {};

TEST_P(PrintableTest, GivesTextThatNoTerminalObeys) {
  EXPECT_EQ(Printable(GetParam().text), GetParam().printable);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, PrintableTest,
    ::testing::Values(PrintableCase{"Plain", "a b", "a b"},
                      PrintableCase{"Utf8", "größe €", "größe €"},
                      PrintableCase{"Escape", "\x1b[31mred", "\\x1b[31mred"},
                      PrintableCase{"LineFeedAndTab", "a\n\tb", "a\\n\\tb"},
                      PrintableCase{"Nul", std::string("a\0b", 3), "a\\x00b"},
                      PrintableCase{"NotUtf8", "a\xff\xc3", "a\\xff\\xc3"},
                      PrintableCase{"Overlong", "\xc0\x80", "\\xc0\\x80"},
                      PrintableCase{"Surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
                      PrintableCase{"C1Control", "\xc2\x9b", "\\xc2\\x9b"},
                      PrintableCase{"RightToLeftOverride", "\xe2\x80\xae", "\\xe2\\x80\\xae"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(TerminalTest, ClipsByColumnsAndMarksWhatIsMissing) {
  EXPECT_EQ(Clip("größer", 6), "größer");
  EXPECT_EQ(Clip("größer", 4), "grö…");
  EXPECT_EQ(Clip("größer", 0), "");
}

TEST(TerminalTest, PaintsOnlyWhereColoursAreShown) {
  EXPECT_EQ(Paint("x", Colour::kRed, {.colours = false}), "x");
  EXPECT_EQ(Paint("x", Colour::kRed, {.colours = true}), "\x1b[31mx\x1b[0m");
}

}  // namespace
}  // namespace grange::ctl
