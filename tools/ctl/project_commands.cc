// project set, show; var set, list, remove.
#include <unistd.h>

#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "tools/ctl/command.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/request_key.h"
#include "tools/ctl/table.h"

namespace grange::ctl {
namespace {

constexpr size_t kValueBytesMax = 256 << 10;

struct SetOptions {
  std::string project;
  std::string key;
  std::string value;
  std::string request_key;
};

struct ShowOptions {
  std::string project;
};

struct VariableOptions {
  std::string name;
  std::string value;
  bool has_value = false;
  std::string value_file;
  bool masked = false;
  bool file = false;
  std::string request_key;
};

absl::StatusOr<ExitCode> SetProject(Context& context, const SetOptions& options) {
  v1::SetProjectRequest request;
  GRANGE_ASSIGN_OR_RETURN(*request.mutable_request_key(), RequestKey(options.request_key));
  request.set_project(options.project);
  request.set_key(options.key);
  request.set_value(options.value);
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ActionReply reply,
                          client->Call(&v1::Control::Stub::SetProject, request));
  if (context.json()) {
    context.PrintJson({{"project", options.project},
                       {"key", options.key},
                       {"value", options.value},
                       {"message", reply.message()}});
  } else {
    context.Print(absl::StrCat(Printable(reply.message()), "\n"));
  }
  return kExitDone;
}

absl::StatusOr<ExitCode> ShowProject(Context& context, const ShowOptions& options) {
  v1::GetProjectRequest request;
  request.set_project(options.project.empty() ? context.ProjectName() : options.project);
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::Project project,
                          client->Call(&v1::Control::Stub::GetProject, request));
  if (context.json()) {
    context.PrintJson(ProjectJson(project));
    return kExitDone;
  }
  Table table({{"SETTING"}, {"VALUE"}});
  const std::map<std::string, std::string> sorted(project.settings().begin(),
                                                  project.settings().end());
  for (const auto& [key, value] : sorted) table.AddRow({key, value});
  context.Print(table.ToString(context.out()));
  return kExitDone;
}

absl::StatusOr<std::string> ReadStdin() {
  std::string value;
  char buffer[64 << 10];
  while (true) {
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return os::ErrnoStatus(errno, "can't read", "stdin");
    if (count == 0) return value;
    value.append(buffer, static_cast<size_t>(count));
    if (value.size() > kValueBytesMax) return value;
  }
}

// The value as the user gave it. A line feed at the end of stdin or of a file belongs to the file,
// not to the value, unless the variable is a file.
absl::StatusOr<std::string> VariableValue(const VariableOptions& options) {
  if (options.has_value == !options.value_file.empty()) {
    return UsageError("give the value as an argument, as '-' for stdin, or with --value-file FILE");
  }
  std::string value = options.value;
  if (!options.value_file.empty()) {
    GRANGE_ASSIGN_OR_RETURN(value, os::ReadFile(options.value_file, kValueBytesMax));
  } else if (options.value == "-") {
    GRANGE_ASSIGN_OR_RETURN(value, ReadStdin());
  } else {
    return value;
  }
  if (!options.file && absl::EndsWith(value, "\n")) value.pop_back();
  return value;
}

absl::StatusOr<ExitCode> SetVariable(Context& context, const VariableOptions& options) {
  v1::SetVariableRequest request;
  GRANGE_ASSIGN_OR_RETURN(*request.mutable_value(), VariableValue(options));
  if (request.value().size() > kValueBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("the value of '", options.name,
                                                   "' is larger than ", kValueBytesMax,
                                                   " bytes; keep large data in a file"));
  }
  GRANGE_ASSIGN_OR_RETURN(*request.mutable_request_key(), RequestKey(options.request_key));
  request.set_project(context.ProjectName());
  request.set_name(options.name);
  request.set_masked(options.masked);
  request.set_file(options.file);
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ActionReply reply,
                          client->Call(&v1::Control::Stub::SetVariable, request));
  if (context.json()) {
    context.PrintJson({{"project", request.project()},
                       {"name", options.name},
                       {"masked", options.masked},
                       {"file", options.file},
                       {"message", reply.message()}});
  } else {
    context.Print(absl::StrCat(Printable(reply.message()), "\n"));
  }
  return kExitDone;
}

absl::StatusOr<ExitCode> ListVariables(Context& context, const ShowOptions&) {
  v1::ListVariablesRequest request;
  request.set_project(context.ProjectName());
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ListVariablesReply reply,
                          client->Call(&v1::Control::Stub::ListVariables, request));
  if (context.json()) {
    Json list = Json::array();
    for (const v1::ProjectVariable& v : reply.variables()) list.push_back(VariableJson(v));
    context.PrintJson({{"variables", std::move(list)}});
    return kExitDone;
  }
  Table table({{"NAME"}, {"KIND"}, {"VALUE"}});
  for (const v1::ProjectVariable& v : reply.variables()) {
    table.AddRow({v.name(), v.file() ? "file" : "text", v.masked() ? "(masked)" : v.value()});
  }
  context.Print(table.ToString(context.out()));
  return kExitDone;
}

absl::StatusOr<ExitCode> RemoveVariable(Context& context, const VariableOptions& options) {
  v1::RemoveVariableRequest request;
  GRANGE_ASSIGN_OR_RETURN(*request.mutable_request_key(), RequestKey(options.request_key));
  request.set_project(context.ProjectName());
  request.set_name(options.name);
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ActionReply reply,
                          client->Call(&v1::Control::Stub::RemoveVariable, request));
  if (context.json()) {
    context.PrintJson(
        {{"project", request.project()}, {"name", options.name}, {"message", reply.message()}});
  } else {
    context.Print(absl::StrCat(Printable(reply.message()), "\n"));
  }
  return kExitDone;
}

void AddVariableCommands(const CommandTree& tree) {
  CLI::App* group = tree.Add(tree.root, "var", "set, list and remove a project's variables",
                             "Variables that every job of a project gets, over those of its "
                             ".gitlab-ci.yml. The project is "
                             "--project, else that of the current directory.\n\n"
                             "Examples:\n  grangectl var set --project portal DEPLOY_HOST web1\n"
                             "  grangectl var list --project portal");
  group->require_subcommand(1);

  const auto options = std::make_shared<VariableOptions>();
  CLI::App* set = tree.Add(
      *group, "set", "set a variable",
      "The value is an argument, or '-' for stdin, or the content of --value-file, so that a "
      "secret "
      "need not stand in a command line; one line feed at its end is left out, except with --file. "
      "A value that begins with '-' goes behind '--'.\n\n"
      "Examples:\n  grangectl var set DEPLOY_HOST web1\n"
      "  pass show portal/key | grangectl var set --masked API_KEY -\n"
      "  grangectl var set --file SSH_KEY --value-file ~/.ssh/deploy");
  set->add_option("name", options->name, "the variable's name")->required()->type_name("NAME");
  set->add_option_function<std::string>(
         "value",
         [options](const std::string& value) {
           options->value = value;
           options->has_value = true;
         },
         "its value; '-' reads stdin")
      ->type_name("VALUE");
  set->add_option("--value-file", options->value_file, "take the value from this file")
      ->type_name("FILE");
  set->add_flag("--masked", options->masked, "it never appears in a log");
  set->add_flag("--file", options->file,
                "jobs get it as a file, and the variable holds the file's path");
  AddRequestKeyOption(set, options->request_key);
  tree.OnRun(set, options, &SetVariable);

  tree.OnRun(tree.Add(*group, "list", "list a project's variables",
                      "Masked values are not shown.\n\n"
                      "Examples:\n  grangectl var list --project portal -o json"),
             std::make_shared<ShowOptions>(), &ListVariables);

  CLI::App* remove = tree.Add(*group, "remove", "remove a variable",
                              "Jobs that run already keep it.\n\n"
                              "Examples:\n  grangectl var remove --project portal DEPLOY_HOST");
  remove->add_option("name", options->name, "the variable's name")->required()->type_name("NAME");
  AddRequestKeyOption(remove, options->request_key);
  tree.OnRun(remove, options, &RemoveVariable);
}

}  // namespace

void AddProjectCommands(const CommandTree& tree) {
  CLI::App* group =
      tree.Add(tree.root, "project", "show and change a project's settings",
               "A project comes into being with its first submit, or when a setting is set.\n\n"
               "Examples:\n  grangectl project set portal coverage-regex '\\d+\\%\\s+$'\n"
               "  grangectl project show portal");
  group->require_subcommand(1);

  const auto options = std::make_shared<SetOptions>();
  CLI::App* set = tree.Add(
      *group, "set", "change a setting",
      "coverage-regex finds the coverage in a job's log, where the job has no 'coverage:' of its "
      "own; default-branch is what CI_DEFAULT_BRANCH says. A setting that doesn't exist is refused "
      "with the list of those that do; an empty value takes a setting back.\n\n"
      "Examples:\n  grangectl project set portal coverage-regex '\\d+\\%\\s+$'\n"
      "  grangectl project set portal default-branch master");
  set->add_option("project", options->project, "the project's name")
      ->required()
      ->type_name("PROJECT");
  set->add_option("key", options->key, "the setting")->required()->type_name("KEY");
  set->add_option("value", options->value, "its value")->required()->type_name("VALUE");
  AddRequestKeyOption(set, options->request_key);
  tree.OnRun(set, options, &SetProject);

  const auto shown = std::make_shared<ShowOptions>();
  CLI::App* show = tree.Add(*group, "show", "show a project's settings",
                            "The project is the argument, else --project, else that of the current "
                            "directory.\n\nExamples:\n  grangectl project show portal");
  show->add_option("project", shown->project, "the project's name")->type_name("PROJECT");
  tree.OnRun(show, shown, &ShowProject);

  AddVariableCommands(tree);
}

}  // namespace grange::ctl
