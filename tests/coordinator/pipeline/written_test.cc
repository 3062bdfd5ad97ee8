#include "coordinator/pipeline/written.h"

#include <string>

#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

TEST(WrittenTest, KeepsTheOrderAndTheTypesOfPlainScalars) {
  config::ValueArena arena;
  config::Value* map = arena.Add(config::Value::Kind::kMap, {});
  const auto add = [&](const std::string& key, const std::string& text, bool quoted) {
    config::Value* value = arena.Add(config::Value::Kind::kScalar, {});
    value->text = text;
    value->quoted = quoted;
    map->entries.push_back({key, {}, value});
  };
  add("z", "1", false);
  add("a", "1", true);
  add("yes", "yes", false);
  add("half", "0.5", false);
  add("long", "1_000", false);
  add("none", ".inf", false);
  add("text", "x\xff", false);
  map->entries.push_back({"null", {}, arena.Add(config::Value::Kind::kNull, {})});
  EXPECT_EQ(ToWritten(*map).json,
            "{\"z\":1,\"a\":\"1\",\"yes\":true,\"half\":0.5,\"long\":1000.0,"
            "\"none\":\".inf\",\"text\":\"x\xEF\xBF\xBD\",\"null\":null}");
}

TEST(WrittenTest, MakesAMapOfAShortForm) {
  EXPECT_EQ(WrittenPair("local", "/a\"b.yml").json, R"({"local":"/a\"b.yml"})");
}

}  // namespace
}  // namespace grange::pipeline
