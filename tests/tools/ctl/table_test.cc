#include "tools/ctl/table.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace grange::ctl {
namespace {

TEST(TableTest, AlignsColumnsAndLeavesNoBlanksAtTheEnd) {
  Table table({{"ID", Table::Align::kRight}, {"NAME"}, {"TAGS"}});
  table.AddRow({"1", "größe", ""});
  table.AddRow({"12", "x", "gpu"});

  EXPECT_EQ(table.ToString({}),
            "ID  NAME   TAGS\n"
            " 1  größe\n"
            "12  x      gpu\n");
}

TEST(TableTest, HasOnlyAHeadingWithoutRows) {
  EXPECT_EQ(Table({{"ID"}, {"NAME"}}).ToString({}), "ID  NAME\n");
}

TEST(TableTest, ShowsForeignTextWithoutItsControlCharacters) {
  Table table({{"TITLE"}});
  table.AddRow({"a\x1b[2J\nb"});

  EXPECT_EQ(table.ToString({}), "TITLE\na\\x1b[2J\\nb\n");
}

TEST(TableTest, ClipsTheWidestColumnToFitATerminal) {
  Table table({{"ID"}, {"TITLE"}});
  table.AddRow({"1", std::string(100, 'x')});

  const std::string text = table.ToString({.is_terminal = true, .columns = 40});

  for (const absl::string_view line : absl::StrSplit(text, '\n')) EXPECT_LE(Width(line), 40u);
  EXPECT_TRUE(absl::StrContains(text, "…"));
}

TEST(TableTest, PaintsStatusesOnATerminalOnly) {
  Table table({{"STATUS"}});
  table.AddRow({{"failed", Colour::kRed}});

  EXPECT_EQ(table.ToString({}).find('\x1b'), std::string::npos);
  EXPECT_TRUE(absl::StrContains(table.ToString({.is_terminal = true, .colours = true}),
                                "\x1b[31mfailed\x1b[0m"));
}

}  // namespace
}  // namespace grange::ctl
