#include "coordinator/config/extends.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/config/yaml_tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::config {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ExtendsTest : public ::testing::Test {
 protected:
  const Value* Resolve(const std::string& text) {
    return ResolveExtends(ParseYaml({"f.yml", text}, arena_, diagnostics_), arena_, diagnostics_);
  }

  ValueArena arena_;
  std::vector<Diagnostic> diagnostics_;
};

TEST_F(ExtendsTest, MergesParentsFromLeftToRightThenTheJob) {
  const Value* root =
      Resolve("x: {a: 1, b: 1, c: 1}\ny: {b: 2, c: 2}\nz: {extends: [x, y], c: 3}\n");
  const Value* z = root->Find("z")->value;
  EXPECT_EQ(z->Find("a")->value->text, "1");
  EXPECT_EQ(z->Find("b")->value->text, "2");
  EXPECT_EQ(z->Find("c")->value->text, "3");
  EXPECT_EQ(z->Find("extends"), nullptr);
  EXPECT_EQ(z->Find("a")->key_place.Span().ToString(), "f.yml:1:5");
  EXPECT_THAT(diagnostics_, IsEmpty());
}

TEST_F(ExtendsTest, TakesElevenLevelsAndNoMoreWhateverTheOrder) {
  std::string forwards = "j0: {a: 1}\n";
  for (int i = 1; i <= 12; ++i) absl::StrAppend(&forwards, "j", i, ": {extends: j", i - 1, "}\n");
  std::string backwards;
  for (int i = 12; i >= 1; --i) absl::StrAppend(&backwards, "j", i, ": {extends: j", i - 1, "}\n");
  for (const std::string& text : {forwards, backwards + "j0: {a: 1}\n"}) {
    diagnostics_.clear();
    const Value* root = Resolve(text);
    ASSERT_THAT(diagnostics_, SizeIs(1)) << text;
    EXPECT_THAT(diagnostics_[0].message, HasSubstr("extends more than 11 levels"));
    EXPECT_EQ(root->Find("j11")->value->Find("extends") == nullptr, text == forwards);
  }
}

TEST_F(ExtendsTest, RefusesParentsThatMultiply) {
  std::string text = "j0: {a0: {";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&text, "k", i, ": 1, ");
  text += "}}\n";
  for (int i = 1; i < 30000; ++i) absl::StrAppend(&text, "j", i, ": {extends: j0, a0: {x: 1}}\n");
  Resolve(text);
  ASSERT_FALSE(diagnostics_.empty());
  EXPECT_THAT(diagnostics_[0].message, HasSubstr("'extends' repeats more than 2000000 values"));
}

}  // namespace
}  // namespace grange::config
