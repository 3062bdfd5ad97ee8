// Row Y4 of the catalogue of faults: the malformed configurations of malformed/*.cases, whose
// format is in malformed/README.md. Each is refused at the line that stands before it. What is said
// of each stands in malformed/*.messages; GRANGE_UPDATE=1 writes those anew.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/pipeline/compile.h"
#include "gtest/gtest.h"
#include "tests/golden/golden_support.h"

namespace grange::pipeline {
namespace {

using config::Diagnostic;

const std::filesystem::path kMalformed =
    std::filesystem::path(GRANGE_SOURCE_DIR) / "tests/golden/malformed";

struct Case {
  int at = 0;    // its line in the table
  int line = 0;  // of the first error
  std::string text;
};

// Takes one escape, whose backslash is gone, from the front of `rest`.
std::string TakeEscape(absl::string_view& rest, int index);

std::string Unescaped(absl::string_view text, int index) {
  std::string result;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '\\' && !text.empty()) {
      result += TakeEscape(text, index);
    } else {
      result += c;
    }
  }
  return result;
}

std::string TakeEscape(absl::string_view& rest, int index) {
  const char c = rest.front();
  rest.remove_prefix(1);
  switch (c) {
    case 'n':
      return "\n";
    case 'r':
      return "\r";
    case 't':
      return "\t";
    case '#':
      return absl::StrCat(index);
    case 'x': {
      const std::string byte(
          1, static_cast<char>(std::stoi(std::string(rest.substr(0, 2)), nullptr, 16)));
      rest.remove_prefix(2);
      return byte;
    }
    case '*': {  // \*COUNT(TEXT)
      const size_t open = rest.find('(');
      const size_t close = rest.find("\\)", open);
      int count = 0;
      EXPECT_TRUE(absl::SimpleAtoi(rest.substr(0, open), &count) &&
                  close != absl::string_view::npos);
      std::string result;
      for (int i = 0; i < count; ++i) {
        result += Unescaped(rest.substr(open + 1, close - open - 1), i);
      }
      rest.remove_prefix(close + 2);
      return result;
    }
    default:
      return std::string(1, c);
  }
}

std::vector<Case> ReadMalformed(const std::filesystem::path& path) {
  std::vector<Case> cases;
  int at = 0;
  for (const absl::string_view line : absl::StrSplit(ReadGoldenFile(path), '\n')) {
    ++at;
    if (line.empty() || line[0] == '#') continue;
    const size_t space = line.find(' ');
    Case one{.at = at, .line = 0, .text = ""};
    EXPECT_TRUE(space != absl::string_view::npos &&
                absl::SimpleAtoi(line.substr(0, space), &one.line))
        << path << ":" << at;
    one.text = Unescaped(line.substr(space + 1), 0);
    cases.push_back(std::move(one));
  }
  return cases;
}

std::vector<std::string> Families() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kMalformed)) {
    if (entry.path().extension() == ".cases") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The errors of one case, in the order in which they are reported.
std::vector<Diagnostic> ErrorsOf(const std::string& text) {
  const config::EmptyTree tree;
  CompileResult result = Compile({".gitlab-ci.yml", text}, tree, DefaultFacts());
  EXPECT_FALSE(result.graph.has_value() && !result.not_creatable);
  std::erase_if(result.diagnostics, [](const Diagnostic& diagnostic) {
    return diagnostic.severity != Diagnostic::Severity::kError;
  });
  return result.diagnostics;
}

class MalformedTest : public ::testing::TestWithParam<std::string> {};

TEST_P(MalformedTest, Y4_EachFileIsRefusedAtItsLine) {
  std::string messages;
  for (const Case& one : ReadMalformed(kMalformed / absl::StrCat(GetParam(), ".cases"))) {
    SCOPED_TRACE(absl::StrCat(GetParam(), ".cases:", one.at));
    const std::vector<Diagnostic> errors = ErrorsOf(one.text);
    if (errors.empty()) {
      ADD_FAILURE() << "nothing is wrong with it";
      continue;
    }
    for (const Diagnostic& error : errors) {
      EXPECT_EQ(error.place.file, ".gitlab-ci.yml") << error.ToString();
      EXPECT_GT(error.place.line, 0) << error.ToString();
      EXPECT_GT(error.place.column, 0) << error.ToString();
    }
    EXPECT_EQ(errors[0].place.line, one.line) << errors[0].ToString();
    absl::StrAppend(&messages, one.at, ": ", errors[0].ToString(), "\n");
  }
  const std::filesystem::path path = kMalformed / absl::StrCat(GetParam(), ".messages");
  // Tests of this binary run on one thread.
  if (std::getenv("GRANGE_UPDATE") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
    std::ofstream(path) << messages;
  }
  EXPECT_EQ(messages, ReadGoldenFile(path)) << "GRANGE_UPDATE=1 writes " << path << " anew";
}

std::string FamilyName(const ::testing::TestParamInfo<std::string>& param) {
  std::string name = param.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Families, MalformedTest, ::testing::ValuesIn(Families()), FamilyName);

TEST(MalformedFilesTest, Y4_ThereAreAtLeast500AndNoTwoAreEqual) {
  std::set<std::string> texts;
  for (const std::string& family : Families()) {
    for (const Case& one : ReadMalformed(kMalformed / absl::StrCat(family, ".cases"))) {
      EXPECT_TRUE(texts.insert(one.text).second)
          << family << ".cases:" << one.at << " is there already";
    }
  }
  EXPECT_GE(texts.size(), 500u);
}

}  // namespace
}  // namespace grange::pipeline
