#include "coordinator/pipeline/keyword.h"

#include <set>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

TEST(KeywordTableTest, HasNoKeywordTwice) {
  std::set<std::pair<Section, std::string>> seen;
  for (const Keyword& keyword : Keywords()) {
    EXPECT_TRUE(seen.emplace(keyword.section, std::string(keyword.name)).second) << keyword.name;
  }
}

// The reader calls the parser of each keyword that it lets through.
TEST(KeywordTableTest, HasAParserForEachKeywordThatIsReadByTheTable) {
  for (const Keyword& keyword : Keywords()) {
    const bool by_table = keyword.section == Section::kJob ||
                          keyword.section == Section::kDefault ||
                          keyword.section == Section::kWorkflow;
    const bool let_through =
        keyword.support == Support::kYes || keyword.support == Support::kDifferent ||
        keyword.support == Support::kLater || keyword.support == Support::kInert;
    EXPECT_EQ(by_table && let_through, by_table && keyword.parse != nullptr) << keyword.name;
  }
}

TEST(KeywordTableTest, ExplainsEachDifference) {
  for (const Keyword& keyword : Keywords()) {
    const bool differs = keyword.support == Support::kDifferent ||
                         keyword.support == Support::kInert ||
                         keyword.support == Support::kRefused;
    EXPECT_FALSE(differs && keyword.note.empty()) << keyword.name;
  }
}

TEST(KeywordTableTest, FindsKeywordsBySection) {
  ASSERT_NE(FindKeyword(Section::kJob, "script"), nullptr);
  EXPECT_EQ(FindKeyword(Section::kDefault, "script"), nullptr);
  EXPECT_EQ(FindKeyword(Section::kJob, "scirpt"), nullptr);
}

}  // namespace
}  // namespace grange::pipeline
