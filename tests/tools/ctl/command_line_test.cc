// The real program, as a shell sees it: exit codes, help, errors; without a coordinator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "run_ctl.h"
#include "test_repository.h"

namespace grange::ctl {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// Each command with the words that lead to it.
std::vector<std::string> AllCommands() {
  std::vector<std::string> commands;
  const CtlRun page = RunCtl({"man", "--markdown"});
  for (const absl::string_view line : absl::StrSplit(page.out, '\n')) {
    if (absl::StartsWith(line, "## grangectl ")) commands.emplace_back(line.substr(13));
  }
  return commands;
}

size_t LineCount(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(CommandLineTest, EveryCommandHasHelpWithAnExample) {
  const std::vector<std::string> commands = AllCommands();
  EXPECT_GT(commands.size(), 30u);
  for (const std::string& command : commands) {
    std::vector<std::string> words = absl::StrSplit(command, ' ');
    words.push_back("--help");
    const CtlRun run = RunCtl(words);
    EXPECT_EQ(run.exit_code, 0) << command;
    EXPECT_THAT(run.out, StartsWith(absl::StrCat("usage: grangectl ", command))) << command;
    EXPECT_THAT(run.out, HasSubstr("Examples:\n")) << command;
    EXPECT_THAT(run.err, IsEmpty()) << command;
  }
}

TEST(CommandLineTest, PrintsItsVersion) {
  const CtlRun run = RunCtl({"--version"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.out, StartsWith("grangectl "));
}

TEST(CommandLineTest, TheListOfCommandsInTheDocsIsTheProgramsOwn) {
  const absl::StatusOr<std::string> page =
      os::ReadFile(absl::StrCat(GRANGE_SOURCE_DIR, "/docs/commands.md"));
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_TRUE(*page == RunCtl({"man", "--markdown"}).out)
      << "run: grangectl man --markdown > docs/commands.md";
}

struct WrongUsage {
  const char* name;
  std::vector<std::string> args;
  const char* message;
};

class WrongUsageTest : public ::testing::TestWithParam<WrongUsage> {};

TEST_P(WrongUsageTest, IsExitCode2WithOneLineThatHelps) {
  const CtlRun run = RunCtl(GetParam().args);
  EXPECT_EQ(run.exit_code, 2) << run.err;
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_EQ(LineCount(run.err), 1u) << run.err;
  EXPECT_THAT(run.err, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, WrongUsageTest,
    ::testing::Values(
        WrongUsage{"NoCommand", {}, "see 'grangectl --help'"},
        WrongUsage{"UnknownCommand", {"pipelins"}, "did you mean 'pipelines'?"},
        WrongUsage{"UnknownBehindGlobal", {"--project", "jobs", "sumbit"}, "mean 'submit'?"},
        WrongUsage{"UnknownBelow", {"agent", "dran", "x"}, "did you mean 'drain'?"},
        WrongUsage{"NoCommandBelow", {"token"}, "see 'grangectl token --help'"},
        WrongUsage{"UnknownOption", {"jobs", "--bogus"}, "--bogus"},
        WrongUsage{"TooMany", {"jobs", "1", "2"}, "grangectl jobs --help"},
        WrongUsage{"NoNumber", {"logs", "x"}, "grangectl logs"},
        WrongUsage{"Zero", {"watch", "0"}, "grangectl watch"},
        WrongUsage{"TooLarge", {"watch", "99999999999999999999"}, "grangectl watch"},
        WrongUsage{"Missing", {"cancel"}, "grangectl cancel"},
        WrongUsage{"Format", {"-o", "xml", "jobs"}, "xml"},
        WrongUsage{"TokenKind", {"token", "create"}, "--registration"},
        WrongUsage{"TokenBoth", {"token", "create", "--registration", "--user", "a"}, "--user"},
        WrongUsage{"TokenFrom",
                   {"token", "create", "--registration", "--from", "10.1.2.3/16"},
                   "--from: '10.1.2.3/16' is no range of addresses"},
        WrongUsage{"TokenFromOfAUser",
                   {"token", "create", "--user", "a", "--role", "viewer", "--from", "10.0.0.1"},
                   "--from go with --registration"},
        WrongUsage{"TokenTtl", {"token", "create", "--registration", "--ttl", "soon"}, "--ttl"},
        WrongUsage{"VarValue", {"var", "set", "A"}, "--value-file"},
        WrongUsage{"PlanVar", {"plan", "--var", "A"}, "NAME=value"},
        WrongUsage{"RequestKey", {"cancel", "1", "--request-key", "xyz"}, "32 hex digits"},
        WrongUsage{"NoConfig", {"jobs", "--config", "/nonexistent/c.yml"}, "/nonexistent/c.yml"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(CommandLineTest, GlobalOptionsStandBeforeOrBehindTheCommand) {
  const TempDir dir;
  dir.Write("c.yml", "job: {script: [x]}\n", 0644);
  EXPECT_EQ(RunCtl({"-o", "json", "lint", dir.File("c.yml")}).out,
            RunCtl({"lint", dir.File("c.yml"), "-o", "json"}).out);
}

TEST(CommandLineTest, WithoutAConfigurationTheCoordinatorIsUnreachable) {
  const CtlRun run = RunCtl({"jobs"});
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_THAT(run.err, HasSubstr("--config"));
}

TEST(CommandLineTest, AnUnreachableCoordinatorIsExitCode3AndNamed) {
  const TempDir dir;
  dir.Write("c.yml", "coordinator: 127.0.0.1:1\ninsecure: true\ntoken: t\n");
  const CtlRun run = RunCtl({"jobs", "--config", dir.File("c.yml")});
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_THAT(run.err, HasSubstr("127.0.0.1:1: connection refused; start grange-coordinator"));
  EXPECT_EQ(LineCount(run.err), 1u) << run.err;
}

TEST(CommandLineTest, PlainTextIsRefusedToAnotherMachine) {
  const TempDir dir;
  dir.Write("c.yml", "coordinator: 192.0.2.1:7420\ninsecure: true\ntoken: secret-token\n");
  const CtlRun run = RunCtl({"jobs", "--config", dir.File("c.yml")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("loopback"));
  EXPECT_THAT(run.err, Not(HasSubstr("secret-token")));
}

TEST(CommandLineTest, AWriteErrorOfStdoutIsAFailure) {
  os::ChildOptions options;
  options.argv = {"sh", "-c", absl::StrCat(CtlPath(), " man > /dev/full")};
  const absl::StatusOr<os::RunResult> run = os::Run(options);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->status.exit_code, 1) << run->err;
}

constexpr char kTwoStages[] = R"(stages: [test, deploy]
test:
  stage: test
  script: [nosetests]
  only: [master]
deploy:
  stage: deploy
  script: [cp -r app /srv]
)";

TEST(CompileCommandsTest, LintTakesTheFactsOfTheCheckoutBesideTheFile) {
  const TestRepository test;
  test.Write(".gitlab-ci.yml", kTwoStages);
  test.Commit("first");

  const CtlRun run = RunCtl({"lint"}, {.cwd = test.path()});

  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, ".gitlab-ci.yml: valid, 2 jobs in 2 stages\n");
}

TEST(CompileCommandsTest, PlanHasTheJobsOfTheBranch) {
  const TestRepository test;
  test.Write(".gitlab-ci.yml", kTwoStages);
  test.Commit("first");
  const std::string file = test.path() + "/.gitlab-ci.yml";

  EXPECT_EQ(RunCtl({"plan", file, "--json"}).json()["jobs"].size(), 2u);
  const nlohmann::json other = RunCtl({"plan", file, "--branch", "x", "-o", "json"}).json();
  ASSERT_EQ(other["jobs"].size(), 1u);
  EXPECT_EQ(other["jobs"][0]["name"], "deploy");
}

TEST(CompileCommandsTest, PlanOfNoJobIsEmptyAndNoError) {
  const TempDir dir;
  dir.Write("c.yml", "test: {script: [x], only: [tags]}\n");

  const CtlRun run = RunCtl({"plan", dir.File("c.yml"), "--json"});

  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.json()["jobs"], nlohmann::json::array());
  EXPECT_THAT(run.err, IsEmpty());
}

TEST(CompileCommandsTest, ANeededJobThatIsLeftOutFailsThePlanAndNotTheLint) {
  const TempDir dir;
  dir.Write("c.yml", "a: {script: [x], only: [tags]}\nb: {script: [x], needs: [a]}\n");

  EXPECT_EQ(RunCtl({"plan", dir.File("c.yml")}).exit_code, 1);
  const CtlRun lint = RunCtl({"lint", dir.File("c.yml")});
  EXPECT_EQ(lint.exit_code, 0);
  EXPECT_THAT(lint.err, HasSubstr("warning: "));
}

TEST(CompileCommandsTest, AVariableMayReplaceAPredefinedOne) {
  const TempDir dir;
  dir.Write("c.yml", "a: {script: [x], rules: [{if: '$CI_PROJECT_NAME == \"other\"'}]}\n");

  EXPECT_EQ(RunCtl({"plan", dir.File("c.yml"), "--json"}).json()["jobs"].size(), 0u);
  EXPECT_EQ(RunCtl({"plan", dir.File("c.yml"), "--json", "--var", "CI_PROJECT_NAME=other"})
                .json()["jobs"]
                .size(),
            1u);
}

TEST(CompileCommandsTest, InputsAreJsonElseText) {
  const TempDir dir;
  dir.Write("c.yml",
            "spec: {inputs: {name: , count: {type: number}}}\n---\n"
            "'$[[ inputs.name ]]': {script: x, retry: '$[[ inputs.count ]]'}\n");
  const CtlRun run =
      RunCtl({"plan", dir.File("c.yml"), "--json", "--input", "name=a b", "--input", "count=2"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.json()["jobs"][0]["name"], "a b");
  EXPECT_THAT(RunCtl({"lint", dir.File("c.yml"), "--input", "name=x"}).err,
              HasSubstr("input 'count' of '"));
  EXPECT_EQ(RunCtl({"lint", dir.File("c.yml"), "--input", "name"}).exit_code, 2);
}

TEST(CompileCommandsTest, IncludesNameTheFlagThatIsMissing) {
  const TempDir dir;
  const struct {
    const char* include;
    const char* flag;
  } kCases[] = {{"{project: tools/ci, file: a.yml}", "'--include-project tools/ci=DIR'"},
                {"{template: a.yml}", "'--templates DIR'"},
                {"{remote: 'https://example.com/a.yml'}", "'--include-host example.com'"},
                {"{component: example.com/tools/ci/lint@1}", "'--include-project tools/ci=DIR'"}};
  for (const auto& [include, flag] : kCases) {
    dir.Write("c.yml", std::string("include: ") + include + "\na: {script: x}\n");
    const CtlRun run = RunCtl({"lint", dir.File("c.yml")});
    EXPECT_EQ(run.exit_code, 1) << include;
    EXPECT_THAT(run.err, HasSubstr(flag));
  }
}

TEST(CompileCommandsTest, IncludesAreReadFromTheFoldersThatAreNamed) {
  const TestRepository tools;
  tools.Write("base.yml", "include: sub/inner.yml\nbase: {script: x}\n");
  tools.Write("sub/inner.yml", "inner: {script: x}\n");
  tools.Write("templates/lint.yml", "lint: {script: x}\n");
  const TempDir dir;
  dir.Write("T.yml", "template: {script: x}\n");
  dir.Write("c.yml",
            "include:\n  - {project: tools/ci, ref: v1, file: base.yml}\n  - {template: T.yml}\n"
            "  - {component: example.com/tools/ci/lint@1}\n");
  const CtlRun run = RunCtl({"plan", dir.File("c.yml"), "--json", "--include-project",
                             "tools/ci=" + tools.path(), "--templates", dir.File("")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.json()["jobs"].size(), 4u);
}

TEST(CompileCommandsTest, LintSaysWhereAFileWithAnErrorIsIncluded) {
  const TempDir dir;
  dir.Write("a.yml", "a: {script: x, stage: none}\n");
  dir.Write("c.yml", "include:\n  - a.yml\n");
  const CtlRun run = RunCtl({"lint", dir.File("c.yml")});
  EXPECT_THAT(run.err, HasSubstr("\n  included from " + dir.File("c.yml") + ":2:5\n"));
  EXPECT_EQ(RunCtl({"lint", dir.File("c.yml"), "--json"}).json()["errors"][0]["included_from"][0],
            dir.File("c.yml") + ":2:5");
}

TEST(CompileCommandsTest, ExplainMergedPrintsOneFile) {
  const TempDir dir;
  dir.Write("a.yml", ".base: {script: [make], tags: [x]}\ndefault: {retry: 1}\n");
  dir.Write("c.yml",
            "include: a.yml\na: {extends: .base, script: [!reference [.base, script], b]}\n");
  const CtlRun run = RunCtl({"explain", "--merged", dir.File("c.yml")});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "default:\n  retry: 1\na:\n  script:\n    - make\n    - b\n  tags:\n    - x\n");
}

TEST(CompileCommandsTest, ExplainNamesTheLineThatDecided) {
  const TempDir dir;
  dir.Write("c.yml", kTwoStages);
  const CtlRun run = RunCtl({"explain", "test", dir.File("c.yml"), "--branch", "x"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("c.yml:5:"));
  const CtlRun missing = RunCtl({"explain", "tset", dir.File("c.yml")});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("did you mean 'test'?"));
}

TEST(CompileCommandsTest, ExplainOfAJobShowsVariablesAndWhereItsKeywordsComeFrom) {
  const TempDir dir;
  dir.Write("c.yml",
            "default:\n  retry: 1\n.base:\n  tags: [gpu]\njob:\n  extends: .base\n  script: make\n"
            "  rules:\n    - if: $NONE\n    - if: $CI_COMMIT_BRANCH == \"x\"\n");
  const CtlRun run = RunCtl({"explain", "job", dir.File("c.yml"), "--branch", "x"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("job is in: rules[1]"));
  EXPECT_THAT(run.out, ContainsRegex("NONE +\\(not defined\\)"));
  EXPECT_THAT(run.out, ContainsRegex("CI_COMMIT_BRANCH +\"x\""));
  EXPECT_THAT(run.out, ContainsRegex("tags +\\.base +.*c.yml:4:3"));
  EXPECT_THAT(run.out, ContainsRegex("script +the job +.*c.yml:7:3"));
  EXPECT_THAT(run.out, ContainsRegex("retry +default +.*c.yml:2:3"));
  const nlohmann::json json =
      RunCtl({"explain", "job", dir.File("c.yml"), "--branch", "x", "--json"}).json();
  EXPECT_EQ(json["jobs"][0]["variables"]["CI_COMMIT_BRANCH"], "x");
  EXPECT_TRUE(json["jobs"][0]["variables"]["NONE"].is_null());
}

TEST(CompileCommandsTest, ExplainTellsAParentFromAJobWhoseNameBeginsWithItsName) {
  const TempDir dir;
  dir.Write("c.yml", "test:\n  script: make\ntest-all:\n  extends: test\n  retry: 1\n");
  const CtlRun run = RunCtl({"explain", "test-all", dir.File("c.yml")});
  EXPECT_THAT(run.out, ContainsRegex("script +test +.*c.yml:2:3"));
  EXPECT_THAT(run.out, ContainsRegex("retry +the job +.*c.yml:5:3"));
}

struct BadFile {
  const char* name;
  std::string text;
  const char* message;
};

class BadFileTest : public ::testing::TestWithParam<BadFile> {};

TEST_P(BadFileTest, IsExitCode1WithItsPlace) {
  const TempDir dir;
  dir.Write("c.yml", GetParam().text);
  for (const char* command : {"lint", "plan", "explain"}) {
    const CtlRun run = RunCtl({command, "c.yml"}, {.cwd = dir.path()});
    EXPECT_EQ(run.exit_code, 1) << command;
    EXPECT_THAT(run.out, IsEmpty());
    EXPECT_THAT(run.err, StartsWith("c.yml:")) << command;
    EXPECT_THAT(run.err, HasSubstr(GetParam().message)) << command;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, BadFileTest,
    ::testing::Values(BadFile{"NotYaml", "a: [b\n", "YAML"},
                      BadFile{"Huge", std::string(50'000'000, 'x'), "limit"},
                      BadFile{"Empty", "", ""},
                      BadFile{"UnknownStage", "a: {stage: biuld, script: [x]}\n", "biuld"},
                      BadFile{"NoScript", "a: {stage: test}\n", "script"},
                      BadFile{"UnknownKeyword", "a: {scrpt: x}\n", "did you mean 'script'?"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(CompileCommandsTest, AFileThatIsMissingIsExitCode1) {
  const CtlRun run = RunCtl({"lint", "/nonexistent/.gitlab-ci.yml"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(LineCount(run.err), 1u);
}

TEST(CompletionCommandTest, TheBashScriptCompletesCommandsAndOptions) {
  const TempDir dir;
  dir.Write("completion", RunCtl({"completion", "bash"}).out);
  const auto complete = [&](const std::string& line) {
    os::ChildOptions options;
    options.argv = {"bash", "-c",
                    absl::StrCat("source ", dir.File("completion"), "; COMP_WORDS=(", line,
                                 "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); compopt() { :; }; "
                                 "_grangectl; echo \"${COMPREPLY[*]}\"")};
    const absl::StatusOr<os::RunResult> run = os::Run(options);
    EXPECT_TRUE(run.ok() && run->err.empty()) << run->err;
    return run->out;
  };
  EXPECT_EQ(complete("grangectl su"), "submit\n");
  EXPECT_EQ(complete("grangectl --config f agent re"), "resume revoke reset remove\n");
  EXPECT_EQ(complete("grangectl agent drain --req"), "--request-key\n");
  EXPECT_EQ(complete("grangectl submit --proj"), "--project\n");
}

}  // namespace
}  // namespace grange::ctl
