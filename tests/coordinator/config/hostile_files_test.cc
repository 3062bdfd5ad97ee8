// Rows Y1 to Y5 of the catalogue of faults: files made to exhaust or confuse whoever reads them.
#include <malloc.h>
#include <pthread.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/config/limits.h"
#include "coordinator/config/yaml_tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coordinator/config/config_fixture.h"

namespace grange::config {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

struct Parsed {
  bool good = false;
  std::vector<std::string> messages;
  std::vector<int> lines;
};

Parsed Parse(const std::string& text) {
  ValueArena arena;
  std::vector<Diagnostic> diagnostics;
  Parsed parsed;
  parsed.good = ParseYaml({"f.yml", text}, arena, diagnostics) != nullptr;
  for (const Diagnostic& diagnostic : diagnostics) {
    parsed.messages.push_back(diagnostic.ToString());
    parsed.lines.push_back(diagnostic.place.line);
  }
  return parsed;
}

// Runs `body` on a thread with this much stack.
void RunWithStack(size_t bytes, std::function<void()> body) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, bytes);
  pthread_t thread;
  const auto run = [](void* context) -> void* {
    (*static_cast<std::function<void()>*>(context))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &body), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

// The most memory that this process had since the last reset. 0 where the system does not say.
long PeakKib(bool reset) {
  if (reset) {
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";
  }
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::atol(line.c_str() + 6);
  }
  return 0;
}

std::string Repeated(absl::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) absl::StrAppend(&result, text);
  return result;
}

TEST(HostileFilesTest, Y1DepthIsRefusedAbove100InEachForm) {
  const std::function<std::string(int)> kForms[] = {
      [](int n) { return std::string(n, '[') + std::string(n, ']'); },
      [](int n) { return Repeated("{a: ", n) + "x" + std::string(n, '}'); },
      [](int n) { return Repeated("- ", n) + "x\n"; },
  };
  RunWithStack(kSanitized ? 8 << 20 : 1 << 20, [&] {
    for (const auto& form : kForms) {
      for (const int depth : {99, 100}) {
        EXPECT_THAT(Parse(form(depth)).messages, IsEmpty()) << depth;
      }
      for (const int depth : {101, 500, 1'000'000}) {
        const Parsed parsed = Parse(form(depth));
        EXPECT_FALSE(parsed.good);
        EXPECT_THAT(parsed.messages, ElementsAre(AllOf(StartsWith("f.yml:1:"),
                                                       HasSubstr("nested more than 100 deep"))))
            << depth;
      }
    }
  });
}

TEST(HostileFilesTest, Y1DepthCountsAfterReferencesToo) {
  // Each job nests the one before it 90 deeper.
  std::string text = "j0: x\n";
  for (int i = 1; i < 9; ++i) {
    absl::StrAppend(&text, "j", i, ": ", std::string(90, '['), "!reference [j", i - 1, "]",
                    std::string(90, ']'), "\n");
  }
  EXPECT_THAT(Messages(Load({"f.yml", text}, Files{})),
              ElementsAre(HasSubstr("'!reference' nests lists and maps more than 100 deep")));
}

TEST(HostileFilesTest, Y2AliasBombsEndAtTheLimitOfValues) {
  for (int levels = 3; levels <= 40; ++levels) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < levels; ++i) {
      absl::StrAppend(&text, "a", i, ": &a", i, " [", "*a", i - 1,
                      Repeated(absl::StrCat(", *a", i - 1), 8), "]\n");
    }
    const Parsed parsed = Parse(text);
    // 9^6 values and those of the levels below it are within the limit, 9^7 are not.
    EXPECT_EQ(parsed.good, levels <= 6) << levels;
    if (levels > 6) {
      EXPECT_THAT(parsed.messages, ElementsAre(HasSubstr("until there are more than 2000000")));
    }
  }
}

TEST(HostileFilesTest, Y2AliasesToThemselvesAndToEachOther) {
  EXPECT_THAT(Parse("a: &a [1, *a]\n").messages,
              ElementsAre("f.yml:1:11: the alias stands inside the value that it stands for"));
  EXPECT_THAT(Parse("a: &a {b: &b [*a], c: *b}\n").messages,
              ElementsAre(HasSubstr("f.yml:1:15: the alias stands inside")));
  EXPECT_THAT(Parse("a: [*b]\nb: &b [*a]\n").messages,
              ElementsAre(HasSubstr("f.yml:1:5: there is no anchor '&b'")));
  EXPECT_THAT(Parse("a: &a\n  <<: *a\n").messages, ElementsAre(HasSubstr("stands inside")));
}

TEST(HostileFilesTest, Y3SizeIsCheckedBeforeAnythingIsRead) {
  EXPECT_THAT(Parse(std::string(kFileBytesMax + 1, '[')).messages,
              ElementsAre("f.yml: the file has 16777217 bytes; the limit is 16777216; move large "
                          "data out of the configuration"));
}

TEST(HostileFilesTest, Y3AFileWithTooManyCommasIsRefused) {
  EXPECT_THAT(Parse("a: 1\n[" + Repeated("1,", kMarksMax) + "]\n").messages,
              ElementsAre(HasSubstr("f.yml:2:8000001: the file has more than 4000000 brackets")));
}

// Files of `size` bytes that are the most work of their kind.
void LoadWorstCases(size_t size, double seconds_max, long kib_max) {
  const auto fill = [size](const std::function<std::string(int)>& line) {
    std::string text;
    for (int i = 0; text.size() < size; ++i) text += line(i);
    text.resize(size);
    return text;
  };
  const struct {
    const char* name;
    std::function<std::string()> text;
  } kCases[] = {
      {"scalar", [&] { return "a: " + std::string(size - 4, 'x') + "\n"; }},
      {"quoted", [&] { return "a: \"" + Repeated("\\n", size / 2 - 3) + "\"\n"; }},
      {"keys", [&] { return fill([](int i) { return absl::StrCat("k", i, ": 1\n"); }); }},
      {"equal keys", [&] { return fill([](int) { return "k: 1\n"; }); }},
      {"anchors", [&] { return fill([](int i) { return absl::StrCat("- &a", i, " x\n"); }); }},
      {"aliases", [&] { return fill([](int i) { return i == 0 ? "- &a x\n" : "- *a\n"; }); }},
      {"flow", [&] { return "[" + Repeated("1,", size / 2 - 2) + "]\n"; }},
      {"most commas",
       [&] {
         const size_t values = std::min<size_t>(size / 2, kMarksMax) - 2;
         return "[" + Repeated("1,", values) + "]" + std::string(size - 2 * values - 3, '#') + "\n";
       }},
      {"question marks", [&] { return "[" + Repeated("? ", size / 2 - 2) + "]\n"; }},
      {"quotes", [&] { return "[" + Repeated("'' ", size / 3 - 2) + "]\n"; }},
      {"block", [&] { return fill([](int i) { return i == 0 ? "a: |\n" : "  line\n"; }); }},
      {"comments", [&] { return fill([](int) { return "# x\n"; }); }},
      {"dashes", [&] { return fill([](int) { return "-\n"; }); }},
      {"open texts", [&] { return fill([](int) { return "- $[[ inputs.x\n"; }); }},
  };
  for (const auto& [name, text] : kCases) {
    const SourceFile file{"f.yml", text()};
    ASSERT_LE(file.text.size(), size) << name;
    const long before = PeakKib(/*reset=*/true);
    const std::clock_t start = std::clock();
    Load(file, Files{});
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    EXPECT_LE(seconds, seconds_max * (kSanitized ? 15 : 1)) << name;
    const long kib = PeakKib(/*reset=*/false) - before;
    if (!kSanitized) {
      EXPECT_LE(kib, kib_max) << name;
    }
    std::printf("%-14s %6.2f s %6ld MiB\n", name, seconds, kib >> 10);
  }
}

TEST(HostileFilesTest, Y3WorstCasesOfOneMebibyteTakeTwoSecondsAtMost) {
  LoadWorstCases(1 << 20, 2, 200 << 10);
}

TEST(HostileFilesTest, Y3WorstCasesOfTheLargestFileTakeTwentySecondsAndTwoGibibytesAtMost) {
  LoadWorstCases(kFileBytesMax, 20, 2 << 20);
}

TEST(HostileFilesTest, Y4EachKindOfDamageIsNamedWithItsPlace) {
  const struct {
    std::string text;
    const char* message;
  } kCases[] = {
      {"a:\n\tb: 1\n", "indented with a tab"},
      {std::string("a: b\0c\n", 7), "f.yml:1:5: the file has a NUL character"},
      {"a: \xC3\x28\n", "f.yml:1:4: byte 0xC3 is not UTF-8"},
      {"a: \xED\xA0\x80\n", "f.yml:1:4: byte 0xED is not UTF-8"},
      {"a: \x1B[0m\n", "f.yml:1:4: control character 0x1B"},
      {"\xFF\xFE"
       "a: 1\n",
       "f.yml:1:1: the file is in UTF-16"},
      {"a: 1\n---\nb: 1\n", "f.yml:2:1: a second document starts here"},
      {"a: 1\n...\nb: 1\n", "a second document starts here"},
      {"a: !ruby/object:Gem 1\n", "f.yml:1:4: unknown tag '!ruby/object:Gem'"},
      {"a: 1\nb: 2\na: 3\n", "f.yml:3:1: warning: 'a' is given twice; the one at f.yml:1:1"},
      {"a: !!python/object:os 1\n", "f.yml:1:4: unknown tag"},
      {"a: [1\n", "this is not YAML"},
      {"a: \"b\nc: d\n", "f.yml:1:4: this is not YAML: the quote that opens here is never closed"},
      {"a: &x !!str 'it''s\n\n", "f.yml:1:4: this is not YAML: the quote"},
  };
  for (const auto& [text, message] : kCases) {
    EXPECT_THAT(Parse(text).messages, ElementsAre(HasSubstr(message))) << text;
  }
  EXPECT_THAT(Parse("\xEF\xBB\xBF"
                    "a: 1\n")
                  .messages,
              IsEmpty());
  for (const char* good :
       {"a: 'it''s'\n", "a: \"\\\"\"\n", "a: &x !!str \"b\"\n", "a: !!str |\n \"\n"}) {
    EXPECT_THAT(Parse(good).messages, IsEmpty()) << good;
  }
}

// Every place of a good file is damaged in every way.
TEST(HostileFilesTest, Y4DamagedFilesAreRefusedWithAPlaceAndNeverCrash) {
  const std::string good =
      "spec: {inputs: {x: {default: a}}}\n---\n.base: &b\n  tags: [x, 'y']\njob:\n  <<: *b\n"
      "  script:\n    - \"a\\tb\"\n    - |\n      c\n  rules:\n    - {if: '$A', when: never}\n"
      "  extends: .base\n  after_script: !reference [.base, tags]\n  x: $[[ inputs.x ]]\n";
  const std::vector<std::string> damages = {"\t",
                                            std::string(1, '\0'),
                                            "\xFF",
                                            "}",
                                            "]",
                                            "[",
                                            "{",
                                            ": ",
                                            "- ",
                                            "*x",
                                            "&b ",
                                            "!",
                                            "%",
                                            "@",
                                            "`",
                                            "\x01",
                                            "\n",
                                            "'",
                                            "\"",
                                            "|",
                                            "\xEF\xBB\xBF",
                                            "---\n",
                                            "$[[ ]]",
                                            "<<: "};
  size_t refused = 0;
  for (size_t at = 0; at <= good.size(); ++at) {
    for (const std::string& damage : damages) {
      std::string text = good;
      text.insert(at, damage);
      const MergedConfig config = Load({"f.yml", text}, Files{});
      if (config.root != nullptr) continue;
      ++refused;
      ASSERT_FALSE(config.diagnostics.empty()) << text;
      for (const Diagnostic& diagnostic : config.diagnostics) {
        EXPECT_GT(diagnostic.place.line, 0) << diagnostic.ToString() << "\n" << text;
      }
    }
    const MergedConfig cut = Load({"f.yml", good.substr(0, at)}, Files{});
    if (cut.root == nullptr) ++refused;
  }
  EXPECT_GE(refused, 500u);
}

TEST(HostileFilesTest, Y5ACircleOfIncludesIsNamedWithItsChain) {
  const Files files{{"a.yml", "include: b.yml\n"}, {"b.yml", "include: a.yml\n"}};
  EXPECT_THAT(
      Messages(Load({"root.yml", "include: a.yml\njob: {}\n"}, files)),
      ElementsAre("b.yml:1:10: 'a.yml' includes itself: root.yml -> a.yml -> b.yml -> a.yml"));
}

TEST(HostileFilesTest, Y5AThousandIncludesEndAtTheLimit) {
  Files files{};
  std::string text = "include:\n";
  for (int i = 0; i < 1000; ++i) {
    files.Add(absl::StrCat("f", i, ".yml"), "x: {}\n");
    absl::StrAppend(&text, "  - f", i, ".yml\n");
  }
  EXPECT_THAT(Messages(Load({"root.yml", text}, files)),
              ElementsAre(HasSubstr("root.yml:152:5: more than 150 files are included")));
  // Also where each file includes two others.
  Files tree{};
  for (int i = 0; i < 2000; ++i) {
    tree.Add(absl::StrCat("t", i, ".yml"),
             absl::StrCat("include: [t", 2 * i + 1, ".yml, t", 2 * i + 2, ".yml]\n"));
  }
  EXPECT_THAT(Messages(Load({"root.yml", "include: t0.yml\n"}, tree)),
              Contains(HasSubstr("are included")));
}

TEST(HostileFilesTest, Y5IncludedFilesHaveALimitOfBytesTogether) {
  const Files files{{"a.yml", "x: " + std::string(5 << 20, 'x') + "\n"}};
  std::string text = "include:\n";
  for (int i = 0; i < 8; ++i) text += "  - a.yml\n";
  EXPECT_THAT(
      Messages(Load({"root.yml", text}, files)),
      ElementsAre("root.yml:8:5: the included files have more than 33554432 bytes together; "
                  "include less"));
}

TEST(HostileFilesTest, Y5NoPathLeavesTheRepository) {
  for (const char* path :
       {"../../etc/passwd", "../../etc/passwd.yml", "/../a.yml", "a/../../b.yml"}) {
    const MergedConfig config =
        Load({"root.yml", absl::StrCat("include: ", path, "\njob: {}\n")}, Files{});
    ASSERT_THAT(config.diagnostics, SizeIs(1)) << path;
    EXPECT_THAT(config.diagnostics[0].message,
                AnyOf(HasSubstr("has '..' in it"), HasSubstr("must end in '.yml'")));
  }
}

}  // namespace
}  // namespace grange::config
