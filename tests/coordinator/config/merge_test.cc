#include "coordinator/config/merge.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/config/yaml_tree.h"
#include "gtest/gtest.h"

namespace grange::config {
namespace {

std::string Show(const Value* value) {
  std::string text;
  switch (value->kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kScalar:
      return value->text;
    case Value::Kind::kList:
      for (const Value* item : value->items) absl::StrAppend(&text, Show(item), " ");
      return absl::StrCat("[ ", text, "]");
    case Value::Kind::kMap:
      for (const Entry& entry : value->entries) {
        absl::StrAppend(&text, entry.key, ":", Show(entry.value), " ");
      }
      return absl::StrCat("{ ", text, "}");
  }
  return text;
}

std::string Merged(const std::string& base, const std::string& over) {
  ValueArena arena;
  std::vector<Diagnostic> diagnostics;
  const Value* merged = MergeDeep(ParseYaml({"a", base}, arena, diagnostics),
                                  ParseYaml({"b", over}, arena, diagnostics), arena);
  return Show(merged);
}

TEST(MergeDeepTest, MergesMapsAtAnyDepth) {
  EXPECT_EQ(Merged("{a: {b: {c: 1, d: 1}}, e: 1}", "{a: {b: {d: 2, f: 2}}}"),
            "{ a:{ b:{ c:1 d:2 f:2 } } e:1 }");
}

TEST(MergeDeepTest, ReplacesListsAndScalars) {
  EXPECT_EQ(Merged("{a: [1, 2], b: {c: 1}, d: 1}", "{a: [3], b: 2, d: {e: 1}}"),
            "{ a:[ 3 ] b:2 d:{ e:1 } }");
}

TEST(MergeDeepTest, RemovesAKeyThatIsNullButKeepsOneThatIsEmpty) {
  EXPECT_EQ(Merged("{a: 1, b: {c: 1}}", "{a: null, b: {}}"), "{ b:{ c:1 } }");
}

}  // namespace
}  // namespace grange::config
