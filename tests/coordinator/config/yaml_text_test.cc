#include "coordinator/config/yaml_text.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/config/yaml_tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::config {
namespace {

using ::testing::IsEmpty;

// Equal in all that a keyword can see.
bool IsEqual(const Value& a, const Value& b) {
  if (a.kind != b.kind || a.reference != b.reference) return false;
  if (a.IsScalar()) return a.text == b.text && a.IsText() == b.IsText();
  if (a.items.size() != b.items.size() || a.entries.size() != b.entries.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!IsEqual(*a.items[i], *b.items[i])) return false;
  }
  for (size_t i = 0; i < a.entries.size(); ++i) {
    if (a.entries[i].key != b.entries[i].key) return false;
    if (!IsEqual(*a.entries[i].value, *b.entries[i].value)) return false;
  }
  return true;
}

// Makes trees of all that can be hard to write.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}

  const Value* Tree(int depth) {
    const int kind = Below(depth == 0 ? 3 : 6);
    if (kind == 0 && Below(4) == 0) return arena_.Add(Value::Kind::kNull, {});
    if (kind <= 2) return Scalar();
    Value* value = arena_.Add(kind <= 4 ? Value::Kind::kMap : Value::Kind::kList, {});
    for (int i = Below(5); i > 0; --i) {
      if (value->IsList()) {
        value->items.push_back(Tree(depth - 1));
      } else if (std::string key = Text(); value->Find(key) == nullptr) {
        value->entries.push_back({std::move(key), {}, Tree(depth - 1)});
      }
    }
    return value;
  }

 private:
  int Below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

  const Value* Scalar() {
    static const std::vector<std::string> kUnquoted = {"1",   "1.5", "0x1F", "true",
                                                       "off", "-3",  ".5",   "+7"};
    Value* value = arena_.Add(Value::Kind::kScalar, {});
    value->quoted = Below(4) != 0;
    value->text = value->quoted ? Text() : kUnquoted[Below(static_cast<int>(kUnquoted.size()))];
    return value;
  }

  std::string Text() {
    static const std::vector<std::string> kPieces = {"a",
                                                     "make test",
                                                     " ",
                                                     "\n",
                                                     "\n\n",
                                                     "\t",
                                                     ": ",
                                                     " #",
                                                     "#",
                                                     "-",
                                                     "- ",
                                                     "?",
                                                     "'",
                                                     "\"",
                                                     "\\",
                                                     "{",
                                                     "}",
                                                     "[",
                                                     "]",
                                                     ",",
                                                     "&x",
                                                     "*x",
                                                     "!t",
                                                     "|",
                                                     ">",
                                                     "%",
                                                     "@",
                                                     "`",
                                                     "~",
                                                     "no",
                                                     "null",
                                                     "true",
                                                     "1",
                                                     "0x",
                                                     "é",
                                                     "日本",
                                                     "<<",
                                                     "---",
                                                     "...",
                                                     "=",
                                                     ":",
                                                     "$[[ inputs.x ]]",
                                                     "\r",
                                                     "\x01",
                                                     "\x7F",
                                                     "\xC2\x85",
                                                     "\xE2\x80\xA8",
                                                     "\xEF\xBB\xBF",
                                                     "😀"};
    std::string text;
    for (int i = Below(6); i > 0; --i) text += kPieces[Below(static_cast<int>(kPieces.size()))];
    return text;
  }

  std::mt19937 random_;
  ValueArena arena_;
};

TEST(YamlTextTest, IsReadAsTheSameTree) {
  for (unsigned seed = 0; seed < 5000; ++seed) {
    Dice dice(seed);
    const Value* tree = dice.Tree(4);
    const std::string text = ToYaml(*tree);
    ValueArena arena;
    std::vector<Diagnostic> diagnostics;
    const Value* read = ParseYaml({"f.yml", text}, arena, diagnostics);
    ASSERT_NE(read, nullptr) << "seed " << seed << ": " << diagnostics[0].ToString() << "\n"
                             << text;
    ASSERT_TRUE(IsEqual(*tree, *read)) << "seed " << seed << "\n" << text;
    ASSERT_THAT(diagnostics, IsEmpty()) << text;
  }
}

std::string Rewritten(const std::string& text) {
  ValueArena arena;
  std::vector<Diagnostic> diagnostics;
  const Value* read = ParseYaml({"f.yml", text}, arena, diagnostics);
  return read == nullptr ? "" : ToYaml(*read);
}

TEST(YamlTextTest, LooksAsAPersonWouldWriteIt) {
  const std::string text =
      "job:\n"
      "  script:\n"
      "    - make -j4\n"
      "    - |\n"
      "      if true; then\n"
      "        echo hi\n"
      "      fi\n"
      "    - - a\n"
      "      - b: 1\n"
      "        c: \"1\"\n"
      "  tags: []\n"
      "  variables: {}\n"
      "  when: null\n"
      "  retry: 2\n"
      "  interruptible: true\n"
      "  environment: \"yes\"\n"
      "  only:\n"
      "    - !reference [\".a\", \"b\"]\n";
  EXPECT_EQ(Rewritten(text), text);
}

TEST(YamlTextTest, TakesKeysOfAnyLength) {
  const std::string key(3000, 'k');
  EXPECT_EQ(Rewritten(absl::StrCat("? ", key, "\n: [1]\n")),
            absl::StrCat("? ", key, "\n:\n  - 1\n"));
}

TEST(YamlTextTest, WritesAliasesOut) {
  EXPECT_EQ(Rewritten("a: &a [x]\nb: *a\n"), "a:\n  - x\nb:\n  - x\n");
}

}  // namespace
}  // namespace grange::config
