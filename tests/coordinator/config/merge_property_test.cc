// What holds for the merge of any maps, tried on random ones of a fixed seed.

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/config/merge.h"
#include "coordinator/config/value.h"
#include "gtest/gtest.h"

namespace grange::config {
namespace {

class Maker {
 public:
  explicit Maker(ValueArena& arena) : arena_(arena) {}

  const Value* Random(int depth, bool nulls) {
    const size_t kind = depth == 0 ? random_() % 2 : random_() % 6;
    if (kind == 0 && nulls) return arena_.Add(Value::Kind::kNull, {});
    if (kind <= 1) {
      Value* scalar = arena_.Add(Value::Kind::kScalar, {});
      scalar->text = absl::StrCat("v", random_() % 5);
      return scalar;
    }
    if (kind == 2) {
      Value* list = arena_.Add(Value::Kind::kList, {});
      for (size_t i = random_() % 3; i > 0; --i) list->items.push_back(Random(0, false));
      CountVisits(*list);
      return list;
    }
    return RandomMap(depth - 1, nulls);
  }

  const Value* RandomMap(int depth, bool nulls) {
    Value* map = arena_.Add(Value::Kind::kMap, {});
    for (const char* key : {"a", "b", "c", "d"}) {
      if (random_() % 2 == 0) map->entries.push_back({key, {}, Random(depth, nulls)});
    }
    CountVisits(*map);
    return map;
  }

 private:
  ValueArena& arena_;
  std::mt19937_64 random_{20263};
};

// Equal but for the order of keys, which a merge takes from the first map that has one.
bool Equal(const Value& a, const Value& b) {
  if (a.kind != b.kind || a.text != b.text || a.items.size() != b.items.size() ||
      a.entries.size() != b.entries.size()) {
    return false;
  }
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!Equal(*a.items[i], *b.items[i])) return false;
  }
  for (const Entry& entry : a.entries) {
    const Entry* other = b.Find(entry.key);
    if (other == nullptr || !Equal(*entry.value, *other->value)) return false;
  }
  return true;
}

// A map over a map is merged, but something else between them forgets the first: so only maps in
// which equal keys have values of one kind can be merged in any grouping.
bool SameKinds(const Value& a, const Value& b) {
  for (const Entry& entry : a.entries) {
    const Entry* other = b.Find(entry.key);
    if (other == nullptr) continue;
    if (entry.value->IsMap() != other->value->IsMap()) return false;
    if (entry.value->IsMap() && !SameKinds(*entry.value, *other->value)) return false;
  }
  return true;
}

TEST(MergePropertyTest, IsAssociativeForMapsWithoutNulls) {
  int compared = 0;
  for (int round = 0; round < 200; ++round) {
    ValueArena arena;
    Maker maker(arena);
    for (int i = 0; i < 20; ++i) {
      const Value* a = maker.RandomMap(2, false);
      const Value* b = maker.RandomMap(2, false);
      const Value* c = maker.RandomMap(2, false);
      if (!SameKinds(*a, *b) || !SameKinds(*b, *c) || !SameKinds(*a, *c)) continue;
      ++compared;
      const Value* left = MergeDeep(MergeDeep(a, b, arena), c, arena);
      const Value* right = MergeDeep(a, MergeDeep(b, c, arena), arena);
      ASSERT_TRUE(Equal(*left, *right)) << "round " << round << ", " << i;
    }
  }
  EXPECT_GT(compared, 300);
}

TEST(MergePropertyTest, WithItselfOrWithNothingChangesNothing) {
  ValueArena arena;
  Maker maker(arena);
  for (int i = 0; i < 500; ++i) {
    const Value* a = maker.RandomMap(3, false);
    ASSERT_TRUE(Equal(*MergeDeep(a, a, arena), *a));
    ASSERT_TRUE(Equal(*MergeDeep(a, arena.Add(Value::Kind::kMap, {}), arena), *a));
    ASSERT_TRUE(Equal(*MergeDeep(arena.Add(Value::Kind::kMap, {}), a, arena), *a));
  }
}

TEST(MergePropertyTest, EachKeyOfTheUpperMapIsThereUnlessItIsNull) {
  ValueArena arena;
  Maker maker(arena);
  for (int i = 0; i < 500; ++i) {
    const Value* base = maker.RandomMap(2, false);
    const Value* over = maker.RandomMap(2, true);
    const Value* merged = MergeDeep(base, over, arena);
    for (const Entry& entry : over->entries) {
      if (entry.value->IsNull() && base->Find(entry.key) != nullptr) {
        ASSERT_EQ(merged->Find(entry.key), nullptr);
      } else {
        ASSERT_NE(merged->Find(entry.key), nullptr);
      }
    }
  }
}

}  // namespace
}  // namespace grange::config
