#include "tools/ctl/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/text/edit_distance.h"
#include "tools/ctl/command.h"
#include "tools/ctl/command_help.h"

namespace grange::ctl {
namespace {

constexpr char kVersion[] = "grangectl " GRANGE_VERSION;

void AddGlobals(CLI::App& root, Globals& globals) {
  root.set_help_flag("-h,--help", "say how to use a command, and exit");
  root.set_version_flag("--version", kVersion, "print the version, and exit");
  root.add_option("--config", globals.config, "the configuration, as a coordinator writes it")
      ->type_name("FILE");
  root.add_option("--coordinator", globals.coordinator,
                  "the coordinator's address, instead of the configuration's")
      ->type_name("ADDR");
  root.add_option(
          "--project", globals.project,
          "the project; where one is needed, the directory's or repository's name by default")
      ->type_name("P");
  root.add_option("-o,--output", globals.output,
                  "table (default) for people, json for scripts: one value on stdout")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"table", "json"}));
}

void AddCommands(const CommandTree& tree) {
  AddSubmitCommand(tree);
  AddPipelineCommands(tree);
  AddJobCommands(tree);
  AddCompileCommands(tree);
  AddAgentCommands(tree);
  AddTokenCommands(tree);
  AddProjectCommands(tree);
  AddAuditCommand(tree);
  AddBackupCommands(tree);
  AddRetentionCommands(tree);
  AddHelpCommands(tree);
}

std::vector<std::string> NamesBelow(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* below : app.get_subcommands(nullptr)) names.push_back(below->get_name());
  return names;
}

// The words of the line that are no options, nor the arguments of global ones.
std::vector<std::string> Words(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view word = argv[i];
    if (word == "--config" || word == "--coordinator" || word == "--project" || word == "-o" ||
        word == "--output") {
      ++i;
    } else if (!absl::StartsWith(word, "-")) {
      words.emplace_back(word);
    }
  }
  return words;
}

// What is wrong with the line, and where help is.
std::string UsageMessage(const CLI::App& root, int argc, char** argv, const std::string& what) {
  const CLI::App* app = &root;
  std::string path = "grangectl";
  for (const std::string& word : Words(argc, argv)) {
    const std::vector<std::string> names = NamesBelow(*app);
    if (names.empty()) break;
    if (std::find(names.begin(), names.end(), word) == names.end()) {
      const std::string hint = text::DidYouMean(word, names);
      return absl::StrCat("unknown command '", path, " ", word, "'",
                          hint.empty() ? absl::StrCat("; see '", path, " --help'") : hint);
    }
    app = app->get_subcommand(word);
    absl::StrAppend(&path, " ", word);
  }
  if (!NamesBelow(*app).empty()) return absl::StrCat("which command? see '", path, " --help'");
  std::string message = what;
  if (!message.empty() && message.back() == '.') message.pop_back();
  return absl::StrCat(path, ": ", message, "; see '", path, " --help'");
}

// Nothing was left to say by the line itself (help, version) or it is wrong.
int ReportParse(const CLI::App& root, const CLI::ParseError& error, int argc, char** argv,
                Context& context) {
  if (error.get_name() == "CallForHelp") {
    const CLI::App* app = &root;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
    context.Print(app->help());
    return kExitDone;
  }
  if (error.get_name() == "CallForVersion") {
    context.Print(absl::StrCat(error.what(), "\n"));
    return kExitDone;
  }
  context.PrintError(UsageMessage(root, argc, argv, error.what()));
  return kExitUsage;
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  Context context;
  if (argc == 2 && absl::string_view(argv[1]) == "--version") {  // without making the tree
    context.Print(absl::StrCat(kVersion, "\n"));
    return kExitDone;
  }
  CLI::App root("submits and watches pipelines, and runs the fleet of a Grange build farm",
                "grangectl");
  Action chosen;
  UseHelpText(root);
  AddGlobals(root, context.globals());
  root.require_subcommand(1);
  AddCommands({.root = root, .chosen = chosen});
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ReportParse(root, error, argc, argv, context);
  }
  const absl::StatusOr<ExitCode> result = chosen(context);
  if (result.ok()) return *result;
  context.PrintError(result.status().message());
  return ExitCodeOf(result.status());
}

}  // namespace grange::ctl
