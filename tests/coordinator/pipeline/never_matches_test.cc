#include "coordinator/pipeline/never_matches.h"

#include <random>
#include <string>
#include <vector>

#include "coordinator/pipeline/pattern.h"
#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

TEST(NeverMatchesTest, KnowsWhatAsksForMoreThanATextHas) {
  for (const char* regex :
       {"a^", "$a", "main^", "x+^", "^a^", "$.", "[ab]^", "(a|b)^", "^(x|y)$z", "\\d^", "a\\A",
        "\\zb", "(?i)$a", "(?:a)^b", "a{2}^", "\\Qab\\E^", "\\x{41}^", "\\pL^", "[]a]^",
        "[[:alpha:]]^", "(?P<name>a)^", "$a|b^"}) {
    EXPECT_TRUE(NeverMatches(regex)) << regex;
  }
}

TEST(NeverMatchesTest, LeavesAllOthersAlone) {
  for (const char* regex :
       {"", "a", "^a$", "^$", "^^a$$", "a*^", "a?^b", "$b*", "(?m)a$\n^b", "(?s:(?m:a^))", "a^|b",
        "\\^a", "a\\$b", "[$]a", "a[^b]", "^v\\d+$", "a{0,3}^", "\\b^a", "(a|)^", "\\Q\\E^",
        "x|$a"}) {
    EXPECT_FALSE(NeverMatches(regex)) << regex;
  }
}

std::string RandomRegex(std::mt19937_64& random) {
  static const std::vector<std::string> kParts = {"a", "b", "^", "$", "(", ")", "|", "*", "?", "+",
                                                  "(?:", ".", "[ab]", "{2}", "{0,1}", "\\b"};
  std::string regex;
  for (size_t n = 1 + random() % 8; n > 0; --n) regex += kParts[random() % kParts.size()];
  return regex;
}

// All texts of up to five of a and b: enough for any regex of so few parts.
std::vector<std::string> ShortTexts() {
  std::vector<std::string> texts = {""};
  for (size_t i = 0; texts[i].size() < 5; ++i) {
    for (const char c : {'a', 'b'}) texts.push_back(texts[i] + c);
  }
  return texts;
}

TEST(NeverMatchesTest, IsNeverSaidOfARegexThatMatchesSomething) {
  std::mt19937_64 random(20'251'125);
  const std::vector<std::string> texts = ShortTexts();
  int never = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string regex = RandomRegex(random);
    const auto pattern = Pattern::Parse("/" + regex + "/");
    if (!pattern.ok() || !NeverMatches(regex)) continue;
    ++never;
    for (const std::string& text : texts) {
      ASSERT_FALSE((*pattern)->Matches(text)) << regex << " matches " << text;
    }
  }
  EXPECT_GT(never, 500);
}

}  // namespace
}  // namespace grange::pipeline
