#include "coordinator/config/merged_config.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coordinator/config/config_fixture.h"

namespace grange::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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
  EXPECT_EQ(config.diagnostics[0].ToString(),
            "root.yml:152:5: more than 150 files are included; the limit counts repeated and "
            "nested ones");
}

TEST(LoadConfigTest, NamesTheIncludedFileInItsErrors) {
  const MergedConfig config =
      Load({"root.yml", "include: a.yml\njob: {}\n"}, Files{{"a.yml", "- list\n"}});
  ASSERT_THAT(config.diagnostics, SizeIs(1));
  EXPECT_THAT(config.diagnostics[0].ToString(), HasSubstr("a.yml:1:1: the file must be a map"));
}

std::vector<std::string> Chain(const Diagnostic& diagnostic, const MergedConfig& config) {
  std::vector<std::string> places;
  for (const SourceSpan& span : config.IncludedFrom(diagnostic.place.file)) {
    places.push_back(span.ToString());
  }
  return places;
}

TEST(LoadConfigTest, KnowsTheChainOfIncludesOfEachFile) {
  const Files files{{"a.yml", "x: 1\ninclude: [b.yml]\n"}, {"b.yml", "- list\n"}};
  const MergedConfig config = Load({"root.yml", "include:\n  - local: a.yml\njob: {}\n"}, files);
  ASSERT_THAT(config.diagnostics, SizeIs(1));
  EXPECT_THAT(Chain(config.diagnostics[0], config), ElementsAre("a.yml:2:11", "root.yml:2:12"));
  EXPECT_THAT(config.IncludedFrom("root.yml"), IsEmpty());
  Diagnostic diagnostic = config.diagnostics[0];
  diagnostic.included_from = config.IncludedFrom("b.yml");
  EXPECT_EQ(diagnostic.IncludedFromLines(),
            "\n  included from a.yml:2:11\n  included from root.yml:2:12");
}

TEST(LoadConfigTest, KeepsTheTextsOfAllFilesThatItRead) {
  const Files files{{"a.yml", "x: 1\n"}};
  const MergedConfig config = Load({"root.yml", "include: [a.yml, a.yml]\n"}, files);
  EXPECT_THAT(config.files, SizeIs(2));
  EXPECT_EQ(*config.TextOf("a.yml"), "x: 1\n");
  EXPECT_EQ(config.TextOf("b.yml"), nullptr);
}

TEST(LoadConfigTest, IncludesFromAllKindsOfPlaces) {
  const Files files{{"l.yml", "l: {}\n"},
                    {"group/name@main:p.yml", "p: {}\n"},
                    {"group/name@v1:q.yml", "q: {}\n"},
                    {"https://example.com/r.yml", "r: {}\n"},
                    {"template:T.gitlab-ci.yml", "t: {}\n"},
                    {"example.com/group/c@1", "c: {}\n"}};
  const MergedConfig config = Load({"root.yml",
                                    "include:\n"
                                    "  - /l.yml\n"
                                    "  - {project: group/name, file: p.yml}\n"
                                    "  - {project: /group/name, ref: v1, file: [/q.yml]}\n"
                                    "  - https://$HOST/r.yml\n"
                                    "  - template: T.gitlab-ci.yml\n"
                                    "  - component: $HOST/group/c@1\n"},
                                   files);
  EXPECT_THAT(Messages(config), IsEmpty());
  ASSERT_NE(config.root, nullptr);
  EXPECT_THAT(config.root->entries, SizeIs(6));
}

TEST(LoadConfigTest, ReadsWhatAnIncludedFileIncludesFromItsOwnRepository) {
  const Files files{{"x.yml", "wrong: {}\n"},
                    {"g/n@v1:a.yml", "include: [/x.yml, 'sub/*.yml']\n"},
                    {"g/n@v1:x.yml", "right: {}\n"},
                    {"g/n@v1:sub/y.yml", "y: {}\n"},
                    {"sub/z.yml", "z: {}\n"}};
  const MergedConfig config =
      Load({"root.yml", "include: {project: g/n, ref: v1, file: a.yml}\n"}, files);
  EXPECT_THAT(Messages(config), IsEmpty());
  ASSERT_NE(config.root, nullptr);
  EXPECT_NE(config.root->Find("right"), nullptr);
  EXPECT_NE(config.root->Find("y"), nullptr);
  EXPECT_EQ(config.root->Find("wrong"), nullptr);
  EXPECT_EQ(config.root->Find("z"), nullptr);
}

TEST(LoadConfigTest, GivesRemoteFilesNeitherVariablesNorLocalFiles) {
  const Files files{{"https://e.org/r.yml", "include: [https://$HOST/x.yml, a.yml]\n"},
                    {"a.yml", "a: {}\n"}};
  const MergedConfig config = Load({"root.yml", "include: https://e.org/r.yml\n"}, files);
  EXPECT_THAT(Messages(config),
              ElementsAre("https://e.org/r.yml:1:11: while including 'https://$HOST/x.yml': no "
                          "file 'https://$HOST/x.yml'",
                          "https://e.org/r.yml:1:32: 'https://e.org/r.yml' belongs to no "
                          "repository, so it can't include the local file 'a.yml'; include it with "
                          "'project' or 'remote'"));
}

TEST(LoadConfigTest, AsksTheRulesBeforeItReadsAFile) {
  const MergedConfig config =
      Load({"root.yml", "include: [{local: missing.yml, rules: [{if: no}]}]\njob: {}\n"}, Files{});
  EXPECT_THAT(Messages(config), IsEmpty());
}

TEST(LoadConfigTest, SaysWhatIsWrongWithAnEntry) {
  const struct {
    const char* entry;
    const char* message;
  } kCases[] = {
      {"{local: a.yml, remote: 'https://x/a.yml'}", "'local' and 'remote' exclude each other"},
      {"{rules: []}", "needs one of 'local', 'project', 'remote', 'template', 'component'"},
      {"{local: a.yml, ref: x}", "'ref' belongs to 'include:project', not to 'include:local'"},
      {"{project: a/b}", "'include:project' needs 'file'"},
      {"{project: a/b, file: {a: b}}", "'include:file' takes a text or a list of texts"},
      {"{local: ''}", "'include:local' takes a text, but this is empty"},
      {"{loacl: a.yml}", "unknown keyword 'loacl' in 'include'; did you mean 'local'?"},
      {"./a.yml", "include './a.yml' starts with './'"},
      {"a.txt", "include 'a.txt' must end in '.yml' or '.yaml'"},
      {"{remote: a.yml}", "'a.yml' is no URL"},
      {"{remote: 'https://x/a.yml', integrity: md5-x}", "'include:integrity' takes 'sha256-'"},
      {"{component: x/y}", "'x/y' is no component; write HOST/PROJECT/NAME@VERSION"},
      {"{template: ../a.yml}", "has '..' in it"},
      {"{local: a.yml, inputs: [x]}", "'include:inputs' takes a map"},
      {"[a.yml]", "'include' takes a path, a map such as {local: path}"},
  };
  for (const auto& [entry, message] : kCases) {
    const MergedConfig config =
        Load({"root.yml", absl::StrCat("include:\n  - ", entry, "\njob: {}\n")}, Files{});
    ASSERT_THAT(config.diagnostics, SizeIs(1)) << entry;
    EXPECT_THAT(config.diagnostics[0].ToString(), HasSubstr(message)) << entry;
  }
}

TEST(LoadConfigTest, RefusesIncludesNestedTooDeep) {
  Files files{};
  for (int i = 0; i < 120; ++i) {
    files.Add(absl::StrCat("f", i, ".yml"), absl::StrCat("include: f", i + 1, ".yml\n"));
  }
  const MergedConfig config = Load({"root.yml", "include: f0.yml\njob: {}\n"}, files);
  EXPECT_THAT(Messages(config),
              ElementsAre("f99.yml:1:10: includes are nested more than 100 deep"));
}

}  // namespace
}  // namespace grange::config
