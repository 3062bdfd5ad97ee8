#ifndef GRANGE_TOOLS_CTL_COMMAND_HELP_H_
#define GRANGE_TOOLS_CTL_COMMAND_HELP_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace grange::ctl {

// What there is to say of a command, taken from the tree that reads the command line: --help, the
// man page, docs/commands.md and the completions all come from here.
struct CommandHelp {
  struct Option {
    std::string names;     // "-f, --follow", "--ref"; "JOB" for an argument
    std::string argument;  // "R"; "" for a flag
    std::string description;
    std::vector<std::string> words;  // the names alone: "-f", "--follow"
    bool required = false;
  };

  std::string path;  // "grangectl token create"
  std::string summary;
  std::vector<std::string> details;   // paragraphs
  std::vector<std::string> examples;  // lines
  std::vector<Option> arguments;
  std::vector<Option> options;
  std::vector<CommandHelp> commands;

  // "grangectl submit [DIR|URL] [options]"
  std::string Usage() const;
  std::string Name() const;  // the last word of the path
};

// The command and all below it.
CommandHelp DescribeCommand(const CLI::App& app);

// For --help; `columns` is where lines are broken.
std::string HelpText(const CommandHelp& command, size_t columns);
// A page of section 1 in roff's man macros.
std::string ManPage(const CommandHelp& root);
// docs/commands.md.
std::string MarkdownPage(const CommandHelp& root);

// Makes CLI11 print HelpText().
void UseHelpText(CLI::App& root);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_COMMAND_HELP_H_
