#include "agent/job/script_text.h"

#include <string>
#include <vector>

#include "common/os/child.h"
#include "gtest/gtest.h"

namespace grange::job {
namespace {

// What bash prints, and how it ends, when it runs the script of `commands`.
struct Outcome {
  std::string out;
  int exit_code = 0;
};

Outcome RunScript(const std::vector<std::string>& commands) {
  os::ChildOptions options;
  options.argv = {"/bin/bash", "-c", ScriptText(commands)};
  const absl::StatusOr<os::RunResult> result = os::Run(options, {}, absl::Seconds(20));
  if (!result.ok()) return {std::string(result.status().message()), -1};
  return {result->out, result->status.exit_code};
}

TEST(ScriptTextTest, AnnouncesEachCommandBeforeItsOutput) {
  const Outcome outcome = RunScript({"echo one", "echo two"});
  EXPECT_EQ(outcome.out, "$ echo one\none\n$ echo two\ntwo\n");
  EXPECT_EQ(outcome.exit_code, 0);
}

TEST(ScriptTextTest, EndsWithTheFirstCommandThatFails) {
  const Outcome outcome = RunScript({"echo one", "(exit 7)", "echo two"});
  EXPECT_EQ(outcome.out, "$ echo one\none\n$ (exit 7)\n");
  EXPECT_EQ(outcome.exit_code, 7);
}

TEST(ScriptTextTest, FailsWhenAnyPartOfAPipeFails) {
  EXPECT_EQ(RunScript({"false | cat"}).exit_code, 1);
}

TEST(ScriptTextTest, RunsAllCommandsInOneShell) {
  EXPECT_EQ(RunScript({"cd /", "X=5", "echo $PWD$X"}).out, "$ cd /\n$ X=5\n$ echo $PWD$X\n/5\n");
}

TEST(ScriptTextTest, LetsACommandSpanSeveralEntries) {
  EXPECT_EQ(RunScript({"if true; then", "echo yes", "fi"}).out,
            "$ if true; then\n$ echo yes\nyes\n$ fi\n");
}

TEST(ScriptTextTest, AnnouncesOnlyTheFirstLineOfALongCommand) {
  EXPECT_EQ(RunScript({"echo a\necho b\n"}).out, "$ echo a # and more lines\na\nb\n");
}

TEST(ScriptTextTest, KeepsHereDocuments) {
  EXPECT_EQ(RunScript({"cat <<'E'\n$x 'y' `z`\nE", "echo end"}).out,
            "$ cat <<'E' # and more lines\n$x 'y' `z`\n$ echo end\nend\n");
}

TEST(ScriptTextTest, AnnouncesEveryCharacterAsItIs) {
  const std::vector<std::string> commands = {": 'single' \"double\" \\ $HOME `id` %s !! ~ # x",
                                             ": \xff\xfe \xc3\xa9", ": '\\n'"};
  for (const std::string& command : commands) {
    EXPECT_EQ(RunScript({command}).out, "$ " + command + "\n");
  }
}

TEST(ShellQuoteTest, GivesBackEveryText) {
  const std::vector<std::string> texts = {"", "a b", "it's", "''", "$(id) `id` \"", "\n\t\\", "-n"};
  for (const std::string& text : texts) {
    os::ChildOptions options;
    options.argv = {"/bin/bash", "-c", "printf %s " + ShellQuote(text)};
    const absl::StatusOr<os::RunResult> result = os::Run(options, {}, absl::Seconds(20));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->out, text);
  }
}

}  // namespace
}  // namespace grange::job
