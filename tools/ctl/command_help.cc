#include "tools/ctl/command_help.h"

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tools/ctl/terminal.h"

namespace grange::ctl {
namespace {

constexpr size_t kColumnsMax = 100;
constexpr char kExamples[] = "Examples:";

// One for people: everything that all commands share, said once.
constexpr char kFiles[] =
    "The configuration names the coordinator, its CA and a token. It is the file given with "
    "--config, else that of $GRANGE_CONFIG, else ~/.config/grange/grangectl.yml, else "
    "/etc/grange/grangectl.yml. A coordinator writes one as grangectl.yml into its state "
    "directory.";
constexpr char kExitStatus[] =
    "0 done; 1 the pipeline or the input failed; 2 wrong usage; 3 the coordinator can't be "
    "reached; "
    "4 not allowed; 130 interrupted while watching. Errors go to stderr, one line each.";
constexpr char kEnvironment[] =
    "GRANGE_CONFIG: the configuration. GRANGE_REQUEST_KEY: the key of a changing command, as "
    "--request-key. NO_COLOR: no colours on a terminal.";

// "N" of CLI11's "N:INT in [1 - 20]".
std::string ArgumentName(const CLI::Option& option) {
  const std::string name = option.get_type_name();
  return name.substr(0, name.find(':'));
}

CommandHelp::Option Describe(const CLI::Option& option) {
  CommandHelp::Option described;
  described.description = option.get_description();
  described.required = option.get_required();
  if (option.get_positional()) {
    described.names = ArgumentName(option);
    return described;
  }
  for (const std::string& name : option.get_snames()) described.words.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) described.words.push_back("--" + name);
  described.names = absl::StrJoin(described.words, ", ");
  if (option.get_type_size_max() > 0) described.argument = ArgumentName(option);
  return described;
}

void AddDetails(const std::string& footer, CommandHelp& help) {
  bool in_examples = false;
  for (absl::string_view line : absl::StrSplit(footer, '\n', absl::SkipEmpty())) {
    if (line == kExamples) {
      in_examples = true;
    } else if (in_examples) {
      help.examples.emplace_back(absl::StripPrefix(line, "  "));
    } else {
      help.details.emplace_back(line);
    }
  }
}

std::string Sentence(const std::string& text) {
  std::string sentence = absl::StrCat(text, ".");
  sentence[0] = absl::ascii_toupper(static_cast<unsigned char>(sentence[0]));
  return sentence;
}

std::string Wrap(absl::string_view text, size_t indent, size_t columns) {
  std::string out;
  size_t column = 0;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (column == 0) {
      out.append(indent, ' ');
      column = indent;
    } else if (column + 1 + Width(word) > columns) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else {
      out += ' ';
      ++column;
    }
    absl::StrAppend(&out, word);
    column += Width(word);
  }
  return out + "\n";
}

// A list of names with a text beside each; below it where the name is long.
void AppendList(const std::vector<std::pair<std::string, std::string>>& items, size_t columns,
                std::string& out) {
  constexpr size_t kNameMax = 24;
  size_t width = 0;
  for (const auto& [name, text] : items) {
    if (Width(name) <= kNameMax) width = std::max(width, Width(name));
  }
  const size_t indent = width + 4;
  for (const auto& [name, text] : items) {
    absl::StrAppend(&out, "  ", name);
    const std::string wrapped = Wrap(text, indent, columns);
    if (Width(name) > width) {
      absl::StrAppend(&out, "\n", wrapped);
    } else {
      absl::StrAppend(&out, std::string(width - Width(name) + 2, ' '),
                      absl::string_view(wrapped).substr(std::min(indent, wrapped.size())));
    }
  }
}

std::string WithArgument(const CommandHelp::Option& option) {
  return option.argument.empty() ? option.names : absl::StrCat(option.names, " ", option.argument);
}

std::string RoffText(absl::string_view text) {
  std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}, {"'", "\\(aq"}});
  if (absl::StartsWith(escaped, ".")) escaped = "\\&" + escaped;
  return escaped;
}

void AppendRoff(const CommandHelp& command, std::string& out) {
  absl::StrAppend(&out, ".SS ", RoffText(command.Usage()), "\n",
                  RoffText(Sentence(command.summary)), "\n");
  for (const std::string& paragraph : command.details) {
    absl::StrAppend(&out, ".PP\n", RoffText(paragraph), "\n");
  }
  for (const CommandHelp::Option& option : command.options) {
    if (option.names == "-h, --help") continue;
    absl::StrAppend(&out, ".TP\n.B ", RoffText(WithArgument(option)), "\n",
                    RoffText(option.description), "\n");
  }
  if (!command.examples.empty()) {
    out += ".PP\n.nf\n.RS 4\n";
    for (const std::string& line : command.examples) absl::StrAppend(&out, RoffText(line), "\n");
    out += ".RE\n.fi\n";
  }
  for (const CommandHelp& below : command.commands) AppendRoff(below, out);
}

void AppendMarkdown(const CommandHelp& command, std::string& out) {
  absl::StrAppend(&out, "\n## ", command.path, "\n\n`", command.Usage(), "`: ", command.summary,
                  ".\n");
  for (const std::string& paragraph : command.details) {
    absl::StrAppend(&out, "\n", Wrap(paragraph, 0, kColumnsMax));
  }
  std::string list;
  for (const CommandHelp::Option& argument : command.arguments) {
    absl::StrAppend(&list, "- `", argument.names, "`: ", argument.description, "\n");
  }
  for (const CommandHelp::Option& option : command.options) {
    if (option.names == "-h, --help") continue;
    absl::StrAppend(&list, "- `", WithArgument(option), "`: ", option.description, "\n");
  }
  if (!list.empty()) absl::StrAppend(&out, "\n", list);
  if (!command.examples.empty()) {
    absl::StrAppend(&out, "\n```\n", absl::StrJoin(command.examples, "\n"), "\n```\n");
  }
  for (const CommandHelp& below : command.commands) AppendMarkdown(below, out);
}

class HelpFormatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    const Terminal terminal = Terminal::Of(STDOUT_FILENO);
    return HelpText(DescribeCommand(*app),
                    std::min(static_cast<size_t>(terminal.columns), kColumnsMax));
  }
};

std::string PathOf(const CLI::App& app) {
  if (app.get_parent() == nullptr) return app.get_name();
  return absl::StrCat(PathOf(*app.get_parent()), " ", app.get_name());
}

}  // namespace

std::string CommandHelp::Name() const {
  const size_t blank = path.rfind(' ');
  return blank == std::string::npos ? path : path.substr(blank + 1);
}

std::string CommandHelp::Usage() const {
  std::string usage = path;
  if (!commands.empty()) absl::StrAppend(&usage, " COMMAND");
  for (const Option& argument : arguments) {
    absl::StrAppend(&usage, argument.required ? " " : " [", argument.names,
                    argument.required ? "" : "]");
  }
  if (options.size() > 1) absl::StrAppend(&usage, " [options]");
  return usage;
}

CommandHelp DescribeCommand(const CLI::App& app) {
  CommandHelp help;
  help.path = PathOf(app);
  help.summary = app.get_description();
  AddDetails(app.get_footer(), help);
  for (const CLI::Option* option : app.get_options()) {
    (option->get_positional() ? help.arguments : help.options).push_back(Describe(*option));
  }
  for (const CLI::App* below : app.get_subcommands(nullptr)) {
    help.commands.push_back(DescribeCommand(*below));
  }
  return help;
}

std::string HelpText(const CommandHelp& command, size_t columns) {
  std::string out =
      absl::StrCat("usage: ", command.Usage(), "\n\n", Wrap(Sentence(command.summary), 0, columns));
  for (const std::string& paragraph : command.details) {
    absl::StrAppend(&out, "\n", Wrap(paragraph, 0, columns));
  }
  const auto section = [&](absl::string_view heading,
                           const std::vector<std::pair<std::string, std::string>>& items) {
    if (items.empty()) return;
    absl::StrAppend(&out, "\n", heading, "\n");
    AppendList(items, columns, out);
  };
  std::vector<std::pair<std::string, std::string>> items;
  for (const CommandHelp& below : command.commands) items.emplace_back(below.Name(), below.summary);
  section("Commands:", items);
  items.clear();
  for (const CommandHelp::Option& argument : command.arguments) {
    items.emplace_back(argument.names, argument.description);
  }
  section("Arguments:", items);
  items.clear();
  for (const CommandHelp::Option& option : command.options) {
    items.emplace_back(WithArgument(option), option.description);
  }
  section("Options:", items);
  if (!command.examples.empty()) {
    absl::StrAppend(&out, "\n", kExamples, "\n  ", absl::StrJoin(command.examples, "\n  "), "\n");
  }
  const bool is_root = command.path.find(' ') == std::string::npos;
  if (is_root) {
    absl::StrAppend(&out, "\nConfiguration:\n", Wrap(kFiles, 2, columns), "\nExit status:\n",
                    Wrap(kExitStatus, 2, columns), "\nEnvironment:\n",
                    Wrap(kEnvironment, 2, columns));
  } else {
    absl::StrAppend(&out, "\n",
                    Wrap("All commands also take --config, --coordinator, --project and -o: see "
                         "'grangectl --help'.",
                         0, columns));
  }
  return out;
}

std::string ManPage(const CommandHelp& root) {
  std::string out = absl::StrCat(
      ".TH GRANGECTL 1 \"\" \"Grange ", GRANGE_VERSION, "\" \"Grange\"\n.SH NAME\ngrangectl \\- ",
      RoffText(root.summary), "\n.SH SYNOPSIS\n.B ", RoffText(root.Usage()), "\n.SH DESCRIPTION\n");
  for (const std::string& paragraph : root.details) {
    absl::StrAppend(&out, RoffText(paragraph), "\n.PP\n");
  }
  out += ".SH OPTIONS\nEach command takes these, before or after its name.\n";
  for (const CommandHelp::Option& option : root.options) {
    absl::StrAppend(&out, ".TP\n.B ", RoffText(WithArgument(option)), "\n",
                    RoffText(option.description), "\n");
  }
  out += ".SH COMMANDS\n";
  for (const CommandHelp& below : root.commands) AppendRoff(below, out);
  absl::StrAppend(&out, ".SH FILES\n", RoffText(kFiles), "\n.SH ENVIRONMENT\n",
                  RoffText(kEnvironment), "\n.SH EXIT STATUS\n", RoffText(kExitStatus), "\n");
  return out;
}

std::string MarkdownPage(const CommandHelp& root) {
  std::string out = absl::StrCat(
      "# Commands of grangectl\n\n<!-- Made by `grangectl man --markdown`; a test compares them. "
      "-->\n\n",
      root.summary, ".\n\nEach command takes these options, before or after its name:\n\n");
  for (const CommandHelp::Option& option : root.options) {
    absl::StrAppend(&out, "- `", WithArgument(option), "`: ", option.description, "\n");
  }
  absl::StrAppend(
      &out, "\n", Wrap(kFiles, 0, kColumnsMax), "\nExit status: ",
      absl::StripPrefix(Wrap(absl::StrCat("Exit status: ", kExitStatus), 0, kColumnsMax),
                        "Exit status: "),
      "\nEnvironment: ",
      absl::StripPrefix(Wrap(absl::StrCat("Environment: ", kEnvironment), 0, kColumnsMax),
                        "Environment: "));
  for (const CommandHelp& below : root.commands) AppendMarkdown(below, out);
  return out;
}

void UseHelpText(CLI::App& root) { root.formatter(std::make_shared<HelpFormatter>()); }

}  // namespace grange::ctl
