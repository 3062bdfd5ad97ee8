#include "common/text/glob.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace grange::text {
namespace {

struct Case {
  const char* pattern;
  const char* path;
  bool matches;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    EXPECT_EQ(GlobMatches(c.pattern, c.path), c.matches) << c.pattern << " on " << c.path;
  }
}

TEST(GlobTest, StarAndQuestionMarkStayInAFolder) {
  Check({{"*.txt", "a.txt", true},
         {"*.txt", "d/a.txt", false},
         {"*", ".hidden", true},
         {"a?c", "abc", true},
         {"a?c", "a/c", false},
         {"a?c", "aéc", true},
         {"", "", true},
         {"", "a", false},
         {"a", "ab", false}});
}

TEST(GlobTest, TwoStarsCrossFolders) {
  Check({{"**/*.c", "a.c", true},
         {"**/*.c", "x/y/a.c", true},
         {"src/**/*.c", "src/a.c", true},
         {"src/**/*.c", "src/x/y/a.c", true},
         {"src/**/*.c", "srcx/a.c", false},
         {"src/**", "src/x/y", true},
         {"src/**", "src", false},
         {"dir/**.yml", "dir/x/a.yml", true},
         {"a**/b", "ab", false},
         {"**", "any/thing", true}});
}

TEST(GlobTest, ClassesTakeOneCharacterOfAName) {
  Check({{"[abc].o", "b.o", true},
         {"[a-c]", "d", false},
         {"[!a]", "b", true},
         {"[!a]", "a", false},
         {"[!a]", "/", false},
         {"[]]", "]", true},
         {"[a", "[a", true},
         {"[\\]]", "]", true},
         {"[ä-ü]", "ö", true}});
}

TEST(GlobTest, BracesChooseOneOfTheirParts) {
  Check({{"*.{c,h}", "a.h", true},
         {"*.{c,h}", "a.o", false},
         {"{a,b{1,2}}/x", "b2/x", true},
         {"{a,b{1,2}}/x", "b/x", false},
         {"{,x}a", "a", true},
         {"{a", "{a", true},
         {"a}", "a}", true},
         {"a,b", "a,b", true},
         {"{**/,}x", "p/q/x", true}});
}

TEST(GlobTest, BackslashTakesTheNextCharacterAsItIs) {
  Check({{"\\*", "*", true}, {"\\*", "a", false}, {"\\{a\\}", "{a}", true}, {"a\\", "a\\", true}});
}

TEST(GlobTest, ByteThatIsNoTextMatchesItself) {
  EXPECT_TRUE(GlobMatches("a\xff*",
                          "a\xff"
                          "b"));
  EXPECT_TRUE(GlobMatches("?", "\xff"));
  EXPECT_FALSE(GlobMatches("\xfe", "\xff"));
}

// With backtracking this would take longer than the sun lives.
TEST(GlobTest, HostilePatternsStayCheap) {
  std::string stars, braces;
  for (int i = 0; i < 200; ++i) {
    stars += "*a";
    braces += "{a,aa,a*}";
  }
  const std::string path(500, 'a');
  EXPECT_FALSE(GlobMatches(stars + "b", path));
  EXPECT_FALSE(GlobMatches(braces + "b", path));
  EXPECT_TRUE(GlobMatches(std::string(100000, '['), std::string(100000, '[')));
  EXPECT_FALSE(GlobMatches(std::string(100000, '{'), "a"));
}

TEST(IsGlobTest, KnowsWhatMeansSomething) {
  for (const char* text : {"*", "a?", "[a]", "{a,b}", "a\\"}) EXPECT_TRUE(IsGlob(text)) << text;
  for (const char* text : {"", "dir/file.txt", "a-b_c", "ü"}) EXPECT_FALSE(IsGlob(text)) << text;
}

}  // namespace
}  // namespace grange::text
