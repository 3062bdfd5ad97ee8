// completion, man.
#include "tools/ctl/command.h"
#include "tools/ctl/command_help.h"
#include "tools/ctl/completion.h"

namespace grange::ctl {
namespace {

struct CompletionOptions {
  const CLI::App* root = nullptr;
  std::string shell;
};

struct ManOptions {
  const CLI::App* root = nullptr;
  bool markdown = false;
};

absl::StatusOr<ExitCode> PrintCompletion(Context& context, const CompletionOptions& options) {
  const CommandHelp root = DescribeCommand(*options.root);
  context.Print(options.shell == "bash" ? BashCompletion(root) : ZshCompletion(root));
  return kExitDone;
}

absl::StatusOr<ExitCode> PrintMan(Context& context, const ManOptions& options) {
  const CommandHelp root = DescribeCommand(*options.root);
  context.Print(options.markdown ? MarkdownPage(root) : ManPage(root));
  return kExitDone;
}

}  // namespace

void AddHelpCommands(const CommandTree& tree) {
  const auto completion = std::make_shared<CompletionOptions>();
  completion->root = &tree.root;
  CLI::App* command =
      tree.Add(tree.root, "completion", "print a completion script for a shell",
               "Prints a script that completes commands and options in bash or zsh.\n\n"
               "Examples:\n  source <(grangectl completion bash)\n"
               "  grangectl completion zsh > ~/.zfunc/_grangectl");
  command->add_option("shell", completion->shell, "bash or zsh")
      ->required()
      ->type_name("SHELL")
      ->check(CLI::IsMember({"bash", "zsh"}));
  tree.OnRun(command, completion, &PrintCompletion);

  const auto man = std::make_shared<ManOptions>();
  man->root = &tree.root;
  command = tree.Add(tree.root, "man", "print the man page of grangectl",
                     "Prints the whole help as a man page.\n\n"
                     "Examples:\n  grangectl man | man -l -");
  command->add_flag("--markdown", man->markdown, "as Markdown instead: docs/commands.md");
  tree.OnRun(command, man, &PrintMan);
}

}  // namespace grange::ctl
