#include "coordinator/config/yaml_tree.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/config/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class YamlTreeTest : public ::testing::Test {
 protected:
  const Value* Parse(const std::string& text) {
    diagnostics_.clear();
    return ParseYaml({"f.yml", text}, arena_, diagnostics_);
  }

  // The only error of a text that is refused.
  std::string Refusal(const std::string& text) {
    EXPECT_EQ(Parse(text), nullptr);
    EXPECT_THAT(diagnostics_, SizeIs(1));
    return diagnostics_.empty() ? "" : diagnostics_[0].ToString();
  }

  static std::string PlaceOf(const Value* value) { return value->place.Span().ToString(); }

  ValueArena arena_;
  std::vector<Diagnostic> diagnostics_;
};

TEST_F(YamlTreeTest, KeepsThePlaceOfEachKeyAndValue) {
  const Value* root = Parse("a:\n  - x\n  - {b: \"y\"}\n");
  ASSERT_NE(root, nullptr);
  const Value* list = root->Find("a")->value;
  EXPECT_EQ(root->Find("a")->key_place.Span().ToString(), "f.yml:1:1");
  EXPECT_EQ(PlaceOf(list->items[0]), "f.yml:2:5");
  EXPECT_EQ(list->items[1]->Find("b")->key_place.Span().ToString(), "f.yml:3:6");
  EXPECT_EQ(PlaceOf(list->items[1]->Find("b")->value), "f.yml:3:9");
  EXPECT_TRUE(list->items[1]->Find("b")->value->quoted);
  EXPECT_THAT(diagnostics_, IsEmpty());
}

TEST_F(YamlTreeTest, GivesAnAliasThePlaceOfItsText) {
  const Value* root = Parse("a: &x [1]\nb: *x\n");
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(root->Find("a")->value, root->Find("b")->value);
  EXPECT_EQ(PlaceOf(root->Find("b")->value), "f.yml:1:4");
}

TEST_F(YamlTreeTest, MergesWithExplicitKeysAndEarlierMapsWinning) {
  const Value* root =
      Parse("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2, d: 2}\nz:\n  d: own\n  <<: [*x, *y]\n");
  ASSERT_NE(root, nullptr);
  const Value* z = root->Find("z")->value;
  std::vector<std::string> entries;
  for (const Entry& entry : z->entries) {
    entries.push_back(absl::StrCat(entry.key, "=", entry.value->text));
  }
  EXPECT_THAT(entries, ElementsAre("a=1", "b=1", "c=2", "d=own"));
  EXPECT_EQ(z->Find("a")->key_place.Span().ToString(), "f.yml:1:8");
}

TEST_F(YamlTreeTest, TakesAQuotedMergeKeyAsAnOrdinaryOne) {
  const Value* root = Parse("\"<<\": {a: 1}\n");
  ASSERT_NE(root, nullptr);
  EXPECT_NE(root->Find("<<"), nullptr);
}

TEST_F(YamlTreeTest, RefusesToMergeWhatIsNoMap) {
  Parse("a: {<<: text}\n");
  ASSERT_THAT(diagnostics_, SizeIs(1));
  EXPECT_EQ(diagnostics_[0].ToString(),
            "f.yml:1:9: '<<' takes a map or a list of maps, but this is text");
}

TEST_F(YamlTreeTest, LetsTheLastOfEqualKeysWinAndNamesBoth) {
  const Value* root = Parse("a: 1\nb: 2\na: 3\n");
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(root->Find("a")->value->text, "3");
  ASSERT_THAT(root->entries, SizeIs(2));
  ASSERT_THAT(diagnostics_, SizeIs(1));
  EXPECT_EQ(diagnostics_[0].ToString(),
            "f.yml:3:1: warning: 'a' is given twice; the one at f.yml:1:1 has no effect; remove "
            "one of them");
}

TEST_F(YamlTreeTest, FindsEqualKeysInALargeMap) {
  std::string text;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&text, "key", i, ": ", i, "\n");
  const Value* root = Parse(text + "key7: again\n");
  ASSERT_NE(root, nullptr);
  EXPECT_THAT(root->entries, SizeIs(100));
  EXPECT_EQ(root->Find("key7")->value->text, "again");
  EXPECT_THAT(diagnostics_, SizeIs(1));
}

TEST_F(YamlTreeTest, RefusesDeepNestingWithItsPlace) {
  const std::string deep(kDepthMax, '[');
  EXPECT_NE(Parse(deep + std::string(kDepthMax, ']')), nullptr);
  EXPECT_EQ(Refusal("[" + deep + std::string(kDepthMax + 1, ']')),
            absl::StrCat("f.yml:1:", kDepthMax + 1,
                         ": lists and maps are nested more than 100 deep; make it flatter"));
  EXPECT_THAT(Refusal(std::string(100000, '[')), HasSubstr("nested more than 100 deep"));
  EXPECT_THAT(Refusal(std::string(100000, '{')), HasSubstr("nested more than 100 deep"));
  std::string dashes;
  for (int i = 0; i < 10000; ++i) dashes += "- ";
  EXPECT_THAT(Refusal(dashes + "x"), HasSubstr("nested more than 100 deep"));
}

TEST_F(YamlTreeTest, RefusesAliasesThatMultiply) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    absl::StrAppend(&text, "a", i, ": &a", i, " [");
    for (int k = 0; k < 9; ++k) absl::StrAppend(&text, k == 0 ? "" : ", ", "*a", i - 1);
    text += "]\n";
  }
  EXPECT_THAT(Refusal(text), HasSubstr("aliases repeat values until there are more than 2000000"));
}

TEST_F(YamlTreeTest, RefusesMergesThatMultiply) {
  std::string text = "base: &base {";
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&text, "k", i, ": 1, ");
  text += "}\n";
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&text, "j", i, ": {<<: *base}\n");
  EXPECT_THAT(Refusal(text), HasSubstr("more than 2000000"));
}

TEST_F(YamlTreeTest, RefusesAnAliasInsideItsOwnValue) {
  EXPECT_EQ(Refusal("a: &a [1, *a]\n"),
            "f.yml:1:11: the alias stands inside the value that it stands for");
  EXPECT_THAT(Refusal("a: &a {<<: *a}\n"), HasSubstr("stands inside the value"));
}

TEST_F(YamlTreeTest, RefusesWhatIsNotYaml) {
  EXPECT_THAT(Refusal("a: [1\nb: 2\n"), HasSubstr("this is not YAML: "));
  EXPECT_THAT(Refusal("a: *nothing\n"),
              HasSubstr("f.yml:1:4: there is no anchor '&nothing' above"));
  EXPECT_THAT(Refusal("? [a]\n: b\n"), HasSubstr("a key must be text, but this one is a list"));
}

// The parser gives empty documents without end for these.
TEST_F(YamlTreeTest, RefusesACharacterThatStartsNothing) {
  EXPECT_EQ(Refusal(",a}"),
            "f.yml:1:1: this is not YAML: nothing can start with the character here");
  for (const char* text : {"a: b\n---\n}", "]", "a: 1\n...\n,"}) {
    EXPECT_THAT(Refusal(text), HasSubstr("this is not YAML")) << text;
  }
}

TEST_F(YamlTreeTest, SaysWhereAValueIsMissing) {
  const Value* root = Parse("a:\n\n\nb:\n  - x\n  -\n\n");
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(PlaceOf(root->Find("a")->value), "f.yml:1:1");
  EXPECT_EQ(PlaceOf(root->Find("b")->value->items[1]), "f.yml:6:3");
}

TEST_F(YamlTreeTest, TakesNothingAsNull) {
  for (const char* text : {"", "\n", "# only this\n", "---\n", "\xEF\xBB\xBF"}) {
    const Value* root = Parse(text);
    ASSERT_NE(root, nullptr) << text;
    EXPECT_TRUE(root->IsNull()) << text;
  }
}

TEST_F(YamlTreeTest, RefusesUnknownTagsButNotYamlsOwn) {
  EXPECT_NE(Parse("a: !!str 1\n"), nullptr);
  EXPECT_THAT(diagnostics_, IsEmpty());
  Parse("a: !secret x\n");
  ASSERT_THAT(diagnostics_, SizeIs(1));
  EXPECT_EQ(diagnostics_[0].ToString(), "f.yml:1:4: unknown tag '!secret'; remove it");
}

TEST_F(YamlTreeTest, TakesAnEmptySecondDocument) {
  EXPECT_NE(Parse("a: 1\n---\n"), nullptr);
  EXPECT_NE(Parse("a: 1\n...\n"), nullptr);
  EXPECT_THAT(diagnostics_, IsEmpty());
}

}  // namespace
}  // namespace grange::config
