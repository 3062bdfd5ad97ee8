#include "coordinator/config/merged_config.h"

#include <initializer_list>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::config {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Files in memory.
class Files : public EmptyTree {
 public:
  Files(std::initializer_list<std::pair<const std::string, std::string>> files) : files_(files) {}
  Files(const Files&) = delete;

  absl::StatusOr<SourceFile> ReadLocal(absl::string_view path) const override {
    const auto it = files_.find(std::string(path));
    if (it == files_.end()) return absl::NotFoundError(absl::StrCat("no file '", path, "'"));
    return SourceFile{it->first, it->second};
  }

 private:
  std::map<std::string, std::string> files_;
};

// Includes are taken as they are written.
class Plain : public IncludeContext {
 public:
  std::string Expand(absl::string_view text) const override { return std::string(text); }
  bool Allows(const Entry&) override { return true; }
};

MergedConfig Load(const SourceFile& root, const SourceTree& tree) {
  Plain context;
  return LoadConfig(root, tree, context);
}

TEST(LoadConfigTest, LaysTheIncludingFileOverWhatItIncludes) {
  const Files files{{"ci/a.yml", "include: b.yml\njob: {x: a, y: a}\n"},
                    {"b.yml", "job: {x: b, z: b}\nother: {w: b}\n"}};
  const MergedConfig config = Load({"root.yml", "job: {y: root}\ninclude: [/ci/a.yml]\n"}, files);
  EXPECT_THAT(config.diagnostics, IsEmpty());
  ASSERT_NE(config.root, nullptr);
  EXPECT_EQ(config.root->Find("include"), nullptr);
  const Value* job = config.root->Find("job")->value;
  EXPECT_EQ(job->Find("x")->value->text, "a");
  EXPECT_EQ(job->Find("y")->value->text, "root");
  EXPECT_EQ(job->Find("z")->value->text, "b");
  EXPECT_EQ(job->Find("z")->key_place.Span().ToString(), "b.yml:1:13");
}

TEST(LoadConfigTest, ExtendsAcrossFiles) {
  const Files files{{"base.yml", ".base: {x: 1}\n"}};
  const MergedConfig config =
      Load({"root.yml", "include: {local: base.yml}\njob: {extends: .base}\n"}, files);
  EXPECT_THAT(config.diagnostics, IsEmpty());
  EXPECT_EQ(config.root->Find("job")->value->Find("x")->value->text, "1");
}

TEST(LoadConfigTest, ReportsACircleOfIncludes) {
  const Files files{{"a.yml", "include: b.yml\n"}, {"b.yml", "include: a.yml\n"}};
  const MergedConfig config = Load({"root.yml", "include: a.yml\njob: {}\n"}, files);
  ASSERT_THAT(config.diagnostics, SizeIs(1));
  EXPECT_EQ(config.diagnostics[0].ToString(),
            "b.yml:1:10: 'a.yml' includes itself: root.yml -> a.yml -> b.yml -> a.yml");
}

TEST(LoadConfigTest, StopsAtTheLimitOfIncludes) {
  std::string text = "include:\n";
  for (int i = 0; i < 200; ++i) text += "  - a.yml\n";
  const MergedConfig config = Load({"root.yml", text + "job: {}\n"}, Files{{"a.yml", "x: {}\n"}});
  ASSERT_THAT(config.diagnostics, SizeIs(1));
  EXPECT_EQ(config.diagnostics[0].ToString(), "root.yml:152:5: more than 150 files are included");
}

TEST(LoadConfigTest, NamesTheIncludedFileInItsErrors) {
  const MergedConfig config =
      Load({"root.yml", "include: a.yml\njob: {}\n"}, Files{{"a.yml", "- list\n"}});
  ASSERT_THAT(config.diagnostics, SizeIs(1));
  EXPECT_THAT(config.diagnostics[0].ToString(), HasSubstr("a.yml:1:1: the file must be a map"));
}

}  // namespace
}  // namespace grange::config
