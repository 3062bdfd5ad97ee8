#include "common/text/expand.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::text {
namespace {

using ::testing::HasSubstr;

std::optional<std::string> LookUp(absl::string_view name) {
  if (name == "A") return "alpha";
  if (name == "B_2") return "$A";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

TEST(ExpandTest, ReplacesNamesOnceFromTheLeft) {
  EXPECT_EQ(Expand("$A/${A}x$B_2", LookUp, Unknown::kKeep), "alpha/alphax$A");
  EXPECT_EQ(Expand("[$EMPTY]", LookUp, Unknown::kKeep), "[]");
  EXPECT_EQ(Expand("", LookUp, Unknown::kKeep), "");
  EXPECT_EQ(Expand("plain", LookUp, Unknown::kKeep), "plain");
}

TEST(ExpandTest, GivesOneDollarForTwo) {
  EXPECT_EQ(Expand("$$A", LookUp, Unknown::kKeep), "$A");
  EXPECT_EQ(Expand("$$$A", LookUp, Unknown::kKeep), "$alpha");
  EXPECT_EQ(Expand("a$$", LookUp, Unknown::kKeep), "a$");
}

TEST(ExpandTest, KeepsOrDropsUnknownNames) {
  EXPECT_EQ(Expand("<$NO ${NO}>", LookUp, Unknown::kKeep), "<$NO ${NO}>");
  EXPECT_EQ(Expand("<$NO ${NO}>", LookUp, Unknown::kEmpty), "< >");
}

TEST(ExpandTest, LeavesWhatIsNoReference) {
  for (const char* text :
       {"$", "a$", "$(date)", "$1", "${", "${}", "${A", "${A:-b}", "%A%", "$ A"}) {
    EXPECT_EQ(Expand(text, LookUp, Unknown::kEmpty), text);
  }
}

std::string Value(const std::vector<NamedValue>& variables, absl::string_view name) {
  for (const NamedValue& variable : variables) {
    if (variable.name == name) return variable.value;
  }
  return "(none)";
}

TEST(ExpandAllTest, ExpandsWhateverTheOrder) {
  const auto result = ExpandAll(
      {{"URL", "http://$HOST:$PORT"}, {"HOST", "h.$ZONE"}, {"PORT", "80"}, {"ZONE", "test"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Value(*result, "URL"), "http://h.test:80");
}

TEST(ExpandAllTest, LetsTheLastOfEqualNamesWin) {
  const auto result = ExpandAll({{"A", "1"}, {"B", "$A"}, {"A", "2"}});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->size(), 2u);
  EXPECT_EQ(Value(*result, "A"), "2");
  EXPECT_EQ(Value(*result, "B"), "2");
}

TEST(ExpandAllTest, TakesTheEarlierValueForAValueThatNamesItself) {
  const auto result = ExpandAll({{"PATH", "/bin"}, {"PATH", "/a:$PATH"}, {"PATH", "/b:$PATH"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Value(*result, "PATH"), "/b:/a:/bin");
}

TEST(ExpandAllTest, KeepsUnknownNamesAndItselfWithoutAnEarlierValue) {
  const auto result = ExpandAll({{"A", "$NO/$A"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Value(*result, "A"), "$NO/$A");
}

TEST(ExpandAllTest, TakesAValueThatIsNotExpandedAsItIs) {
  const auto result = ExpandAll({{"A", "1"}, {"RAW", "$A$$", false}, {"B", "<$RAW>"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Value(*result, "RAW"), "$A$$");
  EXPECT_EQ(Value(*result, "B"), "<$A$$>");
}

TEST(ExpandAllTest, NamesTheCircle) {
  const auto result = ExpandAll({{"X", "$A"}, {"A", "$B"}, {"B", "$C"}, {"C", "$A"}});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("A -> B -> C -> A"));
}

TEST(ExpandAllTest, RefusesValuesThatGrowWithoutBound) {
  std::vector<NamedValue> variables = {{"V0", "0123456789"}};
  for (int i = 1; i < 40; ++i) {
    variables.push_back({absl::StrCat("V", i), absl::StrCat("$V", i - 1, "$V", i - 1)});
  }
  const auto result = ExpandAll(variables);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(ExpandAllTest, FollowsAChainThatIsDeeperThanAStack) {
  constexpr int kLength = 100000;
  std::vector<NamedValue> variables;
  for (int i = 0; i < kLength; ++i) {
    variables.push_back({absl::StrCat("V", i), absl::StrCat("$V", i + 1)});
  }
  variables.push_back({absl::StrCat("V", kLength), "x"});
  const auto result = ExpandAll(variables);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Value(*result, "V0"), "x");
}

}  // namespace
}  // namespace grange::text
