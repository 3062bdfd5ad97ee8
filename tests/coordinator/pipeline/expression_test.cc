#include "coordinator/pipeline/expression.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

using ::testing::HasSubstr;

const VariableLayer kVariables = LayerOf(std::vector<std::pair<std::string, std::string>>{
    {"A", "a"},        {"B", "b"},       {"EMPTY", ""},         {"BLANK", " \t"},
    {"TRUE", "true"},  {"NAME", "main"}, {"PATTERN", "/^MA/i"}, {"WORDS", "the main thing"},
    {"BROKEN", "/[/"}, {"PATH", "a/b"},  {"LINES", "one\ntwo"},
});

Expression::Outcome Evaluate(const std::string& text) {
  PatternCache patterns;
  const auto expression = Expression::Parse(text, patterns);
  EXPECT_TRUE(expression.ok()) << text << ": " << expression.status();
  if (!expression.ok()) return {};
  return (*expression)->Evaluate(Scope({&kVariables}), patterns);
}

struct Case {
  const char* text;
  bool holds;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(Evaluate(c.text).holds, c.holds) << c.text;
}

TEST(ExpressionTest, NameAloneHoldsIfDefinedAndNotBlank) {
  Check({{"$A", true},
         {"$EMPTY", false},
         {"$BLANK", false},
         {"$NO", false},
         {"\"x\"", true},
         {"\"\"", false},
         {"null", false},
         {"true", true},
         {"false", false},
         {"/ab/", true}});
}

TEST(ExpressionTest, ComparesTextAndTellsUndefinedFromEmpty) {
  Check({{"$A == \"a\"", true},
         {"'a' == $A", true},
         {"$A != $B", true},
         {"$A == $A", true},
         {"$NO == null", true},
         {"$EMPTY == null", false},
         {"$EMPTY == \"\"", true},
         {"$NO == \"\"", false},
         {"$NO != \"x\"", true},
         {"$A == '$A'", false},
         {"$TRUE == true", false},
         {"$TRUE == \"true\"", true},
         {"true == true", true},
         {"null == null", true}});
}

TEST(ExpressionTest, MatchesPatterns) {
  Check({{"$NAME =~ /^ma/", true},
         {"$NAME =~ /^MA/", false},
         {"$NAME =~ /^MA/i", true},
         {"$NAME =~ /in/", true},
         {"$NAME !~ /xx/", true},
         {"$PATH =~ /a\\/b/", true},
         {"$LINES =~ /^two$/", false},
         {"$LINES =~ /^two$/m", true},
         {"$LINES =~ /one.two/s", true},
         {"\"text\" =~ /ex/", true},
         {"$NO =~ /^$|x/", true},
         {"$NAME =~ $PATTERN", true},
         {"$NAME !~ $PATTERN", false},
         {"$NAME =~ $NO", false},
         {"$NAME !~ $NO", true},
         {"$NAME =~ $BROKEN", false},
         {"$NAME =~ $WORDS", true},
         {"$A =~ $NAME && $B =~ $NAME", false}});
}

TEST(ExpressionTest, BindsAndTighterThanOr) {
  Check({{"$A || $NO && $NO", true},
         {"($A || $NO) && $NO", false},
         {"$NO || $NO || $A", true},
         {"$NO && $A || $B", true},
         {"$A == \"a\" && $B == \"b\"", true},
         {"((($A)))", true}});
}

// As in Ruby, an empty text counts as true on a side of && and ||, but not as the whole.
TEST(ExpressionTest, GivesASideOfAndAndOr) {
  Check({{"$EMPTY && $A", true},
         {"$A && $EMPTY", false},
         {"$EMPTY || $A", false},
         {"$NO || $A", true}});
  EXPECT_TRUE(Evaluate("$EMPTY || $A").hidden_by_empty);
  EXPECT_FALSE(Evaluate("$EMPTY || $NO").hidden_by_empty);
  EXPECT_FALSE(Evaluate("$NO || $A").hidden_by_empty);
}

TEST(ExpressionTest, RefusesWhatItDoesNotKnowWithThePlace) {
  struct Wrong {
    const char* text;
    const char* why;
  };
  const std::vector<Wrong> cases = {
      {"", "the expression is empty"},
      {"$A ==", "at character 6: a value is missing at the end"},
      {"== $A", "at character 1: a value is missing before '=='"},
      {"$A $B", "at character 4: 'B' is one too many"},
      {"($A", "at character 4: a ')' is missing"},
      {"$A)", "at character 3: ')' is one too many"},
      {"${A}", "at character 1: write a variable as $NAME, without braces"},
      {"%A%", "at character 1: write a variable as $NAME, not %NAME%"},
      {"$", "'$' needs the name of a variable"},
      {"\"x", "has no closing \""},
      {"$A =~ /x", "the pattern has no closing '/'"},
      {"$A =~ /x/", "a pattern needs at least two characters"},
      {"$A =~ /xx/g", "'g' is not a flag"},
      {"$A =~ \"x\"", "need a /pattern/, or a variable that holds one"},
      {"$A =~ /[x/", "doesn't compile: missing ]: [x"},
      {"$A = $B", "'=' has no meaning here"},
      {"$A == b", "'b' has no meaning here; write \"b\" for a text or $b for a variable"},
      {"$A == $B == $A", "'==' is one too many"},
      {"!$A", "'!' has no meaning here"},
  };
  for (const Wrong& c : cases) {
    PatternCache patterns;
    const auto expression = Expression::Parse(c.text, patterns);
    EXPECT_EQ(expression.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(expression.status().message()), HasSubstr(c.why)) << c.text;
  }
}

TEST(ExpressionTest, RefusesMoreThanAHundredParts) {
  std::string fits = "$A";
  for (int i = 0; i < 49; ++i) fits += " && $A";
  EXPECT_TRUE(Evaluate(fits).holds);
  PatternCache patterns;
  EXPECT_FALSE(Expression::Parse(fits + " && $A", patterns).ok());
  EXPECT_FALSE(Expression::Parse(std::string(100000, '('), patterns).ok());
}

}  // namespace
}  // namespace grange::pipeline
