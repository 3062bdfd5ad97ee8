#include "tools/ctl/command_help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/ctl/completion.h"

namespace grange::ctl {
namespace {

using ::testing::HasSubstr;

CommandHelp Sample() {
  CommandHelp submit;
  submit.path = "grangectl submit";
  submit.summary = "make a pipeline";
  submit.details = {"Makes a pipeline of a commit."};
  submit.examples = {"grangectl submit --watch"};
  submit.arguments = {{.names = "DIR",
                       .argument = "",
                       .description = "a directory",
                       .words = {},
                       .required = false}};
  submit.options = {{.names = "-h, --help",
                     .argument = "",
                     .description = "help",
                     .words = {"-h", "--help"},
                     .required = false},
                    {.names = "--ref",
                     .argument = "R",
                     .description = "the branch",
                     .words = {"--ref"},
                     .required = false}};
  CommandHelp root;
  root.path = "grangectl";
  root.summary = "runs a farm";
  root.options = {submit.options[0]};
  root.commands = {submit};
  return root;
}

TEST(CommandHelpTest, UsageNamesArgumentsAndOptions) {
  EXPECT_EQ(Sample().commands[0].Usage(), "grangectl submit [DIR] [options]");
}

TEST(CommandHelpTest, HelpBreaksLinesAndKeepsExamples) {
  const std::string text = HelpText(Sample().commands[0], 40);
  EXPECT_THAT(text, HasSubstr("usage: grangectl submit [DIR] [options]\n\nMake a pipeline.\n"));
  EXPECT_THAT(text, HasSubstr("  --ref R     the branch\n"));
  EXPECT_THAT(text, HasSubstr("Examples:\n  grangectl submit --watch\n"));
}

TEST(CommandHelpTest, TheManPageEscapesWhatRoffWouldRead) {
  CommandHelp root = Sample();
  root.commands[0].examples = {".dot \\d 'q' --watch"};
  EXPECT_THAT(ManPage(root), HasSubstr("\\&.dot \\ed \\(aqq\\(aq \\-\\-watch\n"));
}

TEST(CompletionTest, KnowsTheWordsOfEachCommand) {
  const std::string bash = BashCompletion(Sample());
  EXPECT_THAT(bash, HasSubstr("'grangectl')\n      commands='submit'"));
  EXPECT_THAT(bash,
              HasSubstr("'grangectl submit')\n      commands=''\n      options='-h --help --ref"));
  EXPECT_THAT(ZshCompletion(Sample()), HasSubstr("#compdef grangectl\n"));
}

}  // namespace
}  // namespace grange::ctl
