#include "coordinator/pipeline/slug.h"

#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

TEST(SlugTest, KeepsWhatAHostNameMayHave) {
  EXPECT_EQ(Slug("Feature/Some_Thing"), "feature-some-thing");
  EXPECT_EQ(Slug("--v1.0--"), "v1-0");
  EXPECT_EQ(Slug("ü"), "");
  EXPECT_EQ(Slug(std::string(62, 'a') + "/b"), std::string(62, 'a'));
  EXPECT_EQ(Slug(std::string(100, 'a')).size(), 63u);
}

}  // namespace
}  // namespace grange::pipeline
