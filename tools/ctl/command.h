#ifndef GRANGE_TOOLS_CTL_COMMAND_H_
#define GRANGE_TOOLS_CTL_COMMAND_H_

#include <CLI/App.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "tools/ctl/context.h"
#include "tools/ctl/exit_code.h"

// How the commands hang together: each group adds its commands to the tree, and the one that the
// user named leaves its action here, to be run after the whole line was understood.
namespace grange::ctl {

using Action = std::function<absl::StatusOr<ExitCode>(Context&)>;

struct CommandTree {
  CLI::App& root;
  Action& chosen;

  // Adds a command below `parent`: `summary` is one line; `details` explains it, ending with
  // examples (each line that is indented by two blanks is shown as it is).
  CLI::App* Add(CLI::App& parent, const std::string& name, const std::string& summary,
                const std::string& details) const {
    CLI::App* command = parent.add_subcommand(name, summary);
    command->footer(details);
    command->fallthrough();
    return command;
  }

  // Runs `action(context, options)` if the user names `command`.
  template <typename Options>
  void OnRun(CLI::App* command, std::shared_ptr<Options> options,
             absl::StatusOr<ExitCode> (*action)(Context&, const Options&)) const {
    Action& slot = chosen;
    command->callback([&slot, options, action] {
      slot = [options, action](Context& context) { return action(context, *options); };
    });
  }
};

// One function for each file of commands.
void AddCompileCommands(const CommandTree& tree);   // lint, plan, explain
void AddSubmitCommand(const CommandTree& tree);     // submit
void AddPipelineCommands(const CommandTree& tree);  // pipelines, commits, watch, cancel, retry
void AddJobCommands(const CommandTree& tree);       // jobs, job, logs, why, play, …
void AddAgentCommands(const CommandTree& tree);     // agents, agent
void AddTokenCommands(const CommandTree& tree);     // token
void AddProjectCommands(const CommandTree& tree);   // project, var
void AddAuditCommand(const CommandTree& tree);      // audit
void AddBackupCommands(const CommandTree& tree);    // backup
void AddRetentionCommands(const CommandTree& tree); // usage, sweep, pin, unpin
void AddHelpCommands(const CommandTree& tree);      // completion, man

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_COMMAND_H_
