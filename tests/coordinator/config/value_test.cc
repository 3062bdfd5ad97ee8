#include "coordinator/config/value.h"

#include "gtest/gtest.h"

namespace grange::config {
namespace {

Value Plain(const char* text) {
  Value value;
  value.kind = Value::Kind::kScalar;
  value.text = text;
  return value;
}

TEST(ValueTest, ReadsBooleansOfYaml11ButNotFromQuotes) {
  for (const char* text : {"true", "True", "TRUE", "yes", "On"}) {
    EXPECT_EQ(Plain(text).AsBool(), true) << text;
  }
  for (const char* text : {"false", "no", "OFF"}) EXPECT_EQ(Plain(text).AsBool(), false) << text;
  for (const char* text : {"y", "n", "tRUE", "1", "", "truth"}) {
    EXPECT_EQ(Plain(text).AsBool(), std::nullopt) << text;
  }
  Value quoted = Plain("true");
  quoted.quoted = true;
  EXPECT_EQ(quoted.AsBool(), std::nullopt);
  EXPECT_TRUE(quoted.IsText());
}

TEST(ValueTest, ReadsWholeNumbers) {
  EXPECT_EQ(Plain("12").AsInteger(), 12);
  EXPECT_EQ(Plain("-1").AsInteger(), -1);
  EXPECT_EQ(Plain("1.5").AsInteger(), std::nullopt);
  EXPECT_EQ(Plain("12a").AsInteger(), std::nullopt);
  EXPECT_EQ(Plain("99999999999999999999").AsInteger(), std::nullopt);
}

TEST(ValueTest, TellsTextFromNumbersAndBooleans) {
  for (const char* text : {"make", "1a", "v1.2", "1.2.3", "--", "-", ".", "12:30", "2024-01-01"}) {
    EXPECT_TRUE(Plain(text).IsText()) << text;
  }
  for (const char* text : {"1", "-1", "1.5", "1e3", "0x1F", "1_000", ".5", "yes", ".inf"}) {
    EXPECT_EQ(Plain(text).IsText(), std::string(text) == "1e3") << text;  // YAML 1.1 wants a dot
  }
}

TEST(ValueTest, NamesItsKindForMessages) {
  EXPECT_EQ(Plain("x").KindName(), "text");
  EXPECT_EQ(Plain("1").KindName(), "a number");
  EXPECT_EQ(Plain("no").KindName(), "a boolean");
  EXPECT_EQ(Value().KindName(), "empty");
}

}  // namespace
}  // namespace grange::config
