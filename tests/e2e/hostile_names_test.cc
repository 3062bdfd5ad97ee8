// Names and values that look like commands are text, wherever they go.
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

// "CANARY" stands for a file that nothing may make.
const std::vector<std::string>& HostileTexts() {
  static const std::vector<std::string> texts = {
      "$(touch CANARY)",
      "`touch CANARY`",
      "; touch CANARY;",
      "| touch CANARY",
      "&& touch CANARY",
      "'; touch CANARY; '",
      "\"; touch CANARY; \"",
      "x\ntouch CANARY\n",
      "%s%s%n",
      "-rf",
      "--upload-pack=touch CANARY",
      "ext::sh -c 'touch CANARY'",
      "\x1b[31mred\x1b[0m\x07",
      "$((1/0)) $? ~ * \\",
      std::string(64 << 10, 'x'),
  };
  return texts;
}

constexpr size_t kTexts = 300;
constexpr size_t kValuesEach = 5;  // of one pipeline

// Those above, and mixtures of them.
std::vector<std::string> ManyHostileTexts() {
  // No "$": before a piece that begins with one it would be the language's own "$$".
  static constexpr const char* kBetween[] = {"", "-", "'", "\"", "\\", "\n", "=", "#", "/", "{", "\r"};
  std::vector<std::string> texts = HostileTexts();
  const size_t pieces = texts.size() - 1;  // without the long one
  std::mt19937 random(4711);
  while (texts.size() < kTexts) {
    std::string text;
    const size_t count = 1 + random() % 3;
    for (size_t i = 0; i < count; ++i) {
      absl::StrAppend(&text, kBetween[random() % std::size(kBetween)], texts[random() % pieces]);
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

std::string With(const std::string& text, const std::string& canary) {
  return absl::StrReplaceAll(text, {{"CANARY", canary}});
}

// The same as a branch may be called: without what git refuses.
std::string AsRef(const std::string& text) {
  std::string ref = absl::StrReplaceAll(
      text, {{" ", "${IFS}"}, {"\n", ";"}, {":", ";"}, {"\x1b[", "ESC"}, {"\x07", ""},
             {"?", ""}, {"~", ""}, {"*", ""}, {"\\", ""}, {"\r", ""}, {"/", "|"}});
  return absl::StrCat("h/", ref.substr(0, 100), "-");
}

TEST(HostileNamesTest, S1_BranchesTagsAuthorsMessagesAndValuesAreText) {
  Farm farm;
  farm.AddAgent();
  const std::string canary = farm.dir() + "/canary";
  const std::vector<std::string> texts = ManyHostileTexts();
  std::string config = "job:\n  script:\n";
  for (size_t i = 0; i < kValuesEach; ++i) {
    absl::StrAppend(&config, "    - printf '<%s>\\n' \"$V", i, "\"\n");
  }
  absl::StrAppend(&config,
                  "    - printf '<%s>\\n' \"$CI_COMMIT_MESSAGE\" \"$CI_COMMIT_AUTHOR\" "
                  "\"$CI_COMMIT_REF_NAME\"\n");
  const std::string repo = farm.MakeRepository("app", config);
  for (size_t number = 0; number < texts.size() / kValuesEach; ++number) {
    const size_t first = number * kValuesEach;  // of its values
    const std::string text = With(texts[number], canary);
    const std::string ref = absl::StrCat(AsRef(With(texts[first], "canary")), number);
    farm.Git(repo, {"commit", "-q", "--allow-empty", "--author", absl::StrCat("a", text, " <a@b>"),
                    "-m", absl::StrCat("m", text)});
    farm.Git(repo, {number % 2 == 0 ? "branch" : "tag", ref});
    std::vector<std::string> arguments = {"--ref", ref};
    for (size_t i = 0; i < kValuesEach; ++i) {
      arguments.insert(arguments.end(),
                       {"--var", absl::StrCat("V", i, "=", With(texts[first + i], canary))});
    }
    const int64_t pipeline = farm.Submit(repo, arguments);

    EXPECT_EQ(farm.WaitForPipeline(pipeline), "success") << text;

    const std::string trace = farm.Trace(farm.Job(pipeline, "job").value("id", int64_t{0}));
    EXPECT_TRUE(absl::StrContains(trace, absl::StrCat("<", ref, ">"))) << ref;
    EXPECT_TRUE(absl::StrContains(trace, "<m")) << trace;
    for (size_t i = 0; i < kValuesEach; ++i) {
      const std::string value = With(texts[first + i], canary);
      EXPECT_TRUE(absl::StrContains(trace, absl::StrCat("<", value, ">"))) << value.substr(0, 100);
    }
  }
  for (const char* list : {"pipelines", "jobs", "agents"}) {
    EXPECT_FALSE(absl::StrContains(farm.Ctl({list}).out, "\x1b")) << list;
  }
  EXPECT_FALSE(os::Exists(canary));
}

// What a process was started with.
std::string EnvironmentOf(pid_t pid) {
  return os::ReadFile(absl::StrCat("/proc/", pid, "/environ")).value_or("");
}

TEST(HostileNamesTest, S2_VariablesOfAJobReachNoOtherProgram) {
  Farm farm;
  farm.AddAgent();
  const std::string sourced = farm.dir() + "/sourced";
  ASSERT_TRUE(os::WriteFile(farm.dir() + "/rc", absl::StrCat("echo x >> ", sourced, "\n")).ok());
  const std::string repo = farm.MakeRepository(
      "app",
      absl::StrCat("variables:\n"
                   "  PATH: /planted:/usr/bin:/bin\n"
                   "  BASH_ENV: ", farm.dir(), "/rc\n"
                   "  GIT_DIR: /planted/git\n"
                   "  GIT_EXEC_PATH: /planted/exec\n"
                   "  GIT_CONFIG_COUNT: planted\n"
                   "  GIT_SSH_COMMAND: /planted/ssh\n"
                   "  LD_LIBRARY_PATH: /planted/lib\n"
                   "  LD_PRELOAD: /planted/preload.so\n"
                   "job:\n"
                   "  script:\n"
                   "    - echo \"path $PATH\"\n"
                   "    - while test ! -e $DOOR; do read -t 0.05 <> <(:) || :; done\n"));
  const int64_t pipeline = farm.Submit(repo, {"--var", "DOOR=" + farm.dir() + "/door"});
  ASSERT_TRUE(farm.WaitForJob(pipeline, "job", "running"));

  // The job's own processes see them; agent, shim and coordinator don't.
  ASSERT_TRUE(Eventually([&] { return os::Exists(sourced); }));
  int others = 0, with_planted = 0;
  for (const pid_t pid : ProcessesWithMark(farm.dir())) {
    const std::string command = os::ReadFile(absl::StrCat("/proc/", pid, "/comm")).value_or("");
    const bool ours = absl::StartsWith(command, "grange-");
    others += ours ? 1 : 0;
    const bool planted = absl::StrContains(EnvironmentOf(pid), "/planted");
    with_planted += planted ? 1 : 0;
    EXPECT_FALSE(ours && planted) << command;
  }
  EXPECT_GE(others, 3);
  EXPECT_GE(with_planted, 1);
  ASSERT_TRUE(os::WriteFile(farm.dir() + "/door", "").ok());
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
  const std::string trace = farm.Trace(farm.Job(pipeline, "job").value("id", int64_t{0}));
  EXPECT_TRUE(absl::StrContains(trace, "path /planted:/usr/bin:/bin")) << trace;
  EXPECT_FALSE(absl::StrContains(farm.Logs(), "/planted"));
}

TEST(HostileNamesTest, S2_AVariableNameWithAnEqualsSignIsRefused) {
  Farm farm;
  const std::string repo = farm.MakeRepository("app", "job: {script: [x], variables: {'A=B': c}}\n");
  const CtlResult submitted = farm.Ctl({"submit", repo});
  EXPECT_EQ(submitted.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(submitted.err, "A=B")) << submitted.err;
  EXPECT_EQ(farm.Ctl({"var", "set", "A=B", "c"}).exit_code, 1);
}

}  // namespace
}  // namespace grange::test
