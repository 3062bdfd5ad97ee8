// agents; agent drain, resume, revoke, reset, remove.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/text/duration_text.h"
#include "tools/ctl/command.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/request_key.h"
#include "tools/ctl/table.h"
#include "tools/ctl/time_text.h"

namespace grange::ctl {
namespace {

struct NoOptions {};

struct AgentOptions {
  std::string agent;
  std::string deadline;
  std::string request_key;
};

// "draining, stops what runs at 12:30"
std::string StatusText(const v1::Agent& agent, absl::Time now) {
  if (agent.status() != "draining" || agent.drain_until_ms() == 0) return agent.status();
  const absl::Time until = absl::FromUnixMillis(agent.drain_until_ms());
  if (until <= now) return "draining, stops what runs";
  return absl::StrCat("draining, stops what runs at ", MinuteText(until, now));
}

absl::StatusOr<ExitCode> ListAgents(Context& context, const NoOptions&) {
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ListAgentsReply reply,
                          client->Call(&v1::Control::Stub::ListAgents, v1::ListAgentsRequest()));
  if (context.json()) {
    Json list = Json::array();
    for (const v1::Agent& agent : reply.agents()) list.push_back(AgentJson(agent));
    context.PrintJson({{"agents", std::move(list)}});
    return kExitDone;
  }
  Table table({{"ID", Table::Align::kRight},
               {"NAME"},
               {"STATUS"},
               {"RUNNING", Table::Align::kRight},
               {"TAGS"},
               {"PROJECT"},
               {"LAST CONTACT"},
               {"VERSION"}});
  const absl::Time now = absl::Now();
  for (const v1::Agent& agent : reply.agents()) {
    std::string tags = absl::StrJoin(agent.tags(), ",");
    if (!agent.run_untagged())
      absl::StrAppend(&tags, tags.empty() ? "" : " ", "(tagged jobs only)");
    table.AddRow({absl::StrCat(agent.id()),
                  agent.name(),
                  {StatusText(agent, now), StatusColour(agent.status())},
                  absl::StrCat(agent.running(), "/", agent.slots()),
                  tags,
                  agent.project(),
                  Ago(agent.last_contact_ms(), now),
                  agent.version()});
  }
  context.Print(table.ToString(context.out()));
  for (const v1::Agent& agent : reply.agents()) {
    if (agent.alarm().empty()) continue;
    context.Note(absl::StrCat("agent ", agent.name(), ": ", agent.alarm()));
  }
  return kExitDone;
}

template <v1::AgentAction::Kind kind>
absl::StatusOr<ExitCode> Change(Context& context, const AgentOptions& options) {
  v1::AgentAction request;
  GRANGE_ASSIGN_OR_RETURN(*request.mutable_request_key(), RequestKey(options.request_key));
  request.set_agent(options.agent);
  request.set_kind(kind);
  if (!options.deadline.empty()) {
    const absl::StatusOr<absl::Duration> deadline = text::ParseDuration(options.deadline);
    if (!deadline.ok()) {
      return UsageError(absl::StrCat("--deadline: ", deadline.status().message()));
    }
    if (*deadline < absl::Seconds(1)) return UsageError("--deadline is at least one second");
    request.set_deadline_ms(absl::ToInt64Milliseconds(*deadline));
  }
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ActionReply reply,
                          client->Call(&v1::Control::Stub::ChangeAgent, request));
  if (context.json()) {
    context.PrintJson({{"agent", options.agent}, {"message", reply.message()}});
  } else {
    context.Print(absl::StrCat(Printable(reply.message()), "\n"));
  }
  return kExitDone;
}

}  // namespace

void AddAgentCommands(const CommandTree& tree) {
  CLI::App* agents = tree.Add(tree.root, "agents", "list the agents",
                              "Lists every agent with its state (online, offline, unreachable, "
                              "draining, drained, revoked), "
                              "its busy and total slots and its tags.\n\n"
                              "Examples:\n  grangectl agents\n  grangectl agents -o json");
  tree.OnRun(agents, std::make_shared<NoOptions>(), &ListAgents);

  CLI::App* group =
      tree.Add(tree.root, "agent", "drain, resume, revoke, reset or remove an agent",
               "Changes one agent, which is named by its name or its id.\n\n"
               "Examples:\n  grangectl agent drain build-1\n  grangectl agent resume build-1");
  group->require_subcommand(1);
  const auto options = std::make_shared<AgentOptions>();
  struct Verb {
    const char* name;
    const char* summary;
    const char* details;
    absl::StatusOr<ExitCode> (*action)(Context&, const AgentOptions&);
  };
  for (const Verb& verb :
       {Verb{
            "drain", "give an agent no new jobs",
            "The agent's running jobs go on; new ones go to others until 'agent resume'. Offers "
            "that it has not got yet are taken back before the command ends: what 'grangectl "
            "jobs' shows as running then is all that will run there. The agent stays connected; "
            "'grangectl agents' calls it drained when its last job has ended.\n\n"
            "With --deadline what still runs then is stopped as for a cancel, and fails as "
            "agent_drained, which 'retry: when: runner_system_failure' covers. A drain again, with "
            "or without it, replaces the deadline.\n\n"
            "Examples:\n  grangectl agent drain build-1\n"
            "  grangectl agent drain build-1 --deadline 30m",
            &Change<v1::AgentAction::KIND_DRAIN>},
        Verb{"resume", "give a drained agent jobs again",
             "Ends what 'agent drain' began.\n\nExamples:\n  grangectl agent resume build-1",
             &Change<v1::AgentAction::KIND_RESUME>},
        Verb{"revoke", "take an agent's credential away",
             "The agent's session ends at once and it cannot come back. Its running jobs count as "
             "lost 5 minutes later, as those of an agent that is away. For a machine that is no "
             "longer trusted.\n\nExamples:\n  grangectl agent revoke build-1",
             &Change<v1::AgentAction::KIND_REVOKE>},
        Verb{"reset", "forget what is known of an agent's sessions",
             "For an agent whose state directory was restored from an older copy, or that is "
             "refused because its credential was in use twice.\n\n"
             "Examples:\n  grangectl agent reset build-1",
             &Change<v1::AgentAction::KIND_RESET>},
        Verb{"remove", "remove an agent from the list",
             "Revokes the agent and removes it; its old jobs keep its name. Refused while it has "
             "jobs: drain it first, or wait until they are lost.\n\n"
             "Examples:\n  grangectl agent remove build-1",
             &Change<v1::AgentAction::KIND_REMOVE>}}) {
    CLI::App* command = tree.Add(*group, verb.name, verb.summary, verb.details);
    command->add_option("agent", options->agent, "the agent's name or id")
        ->required()
        ->type_name("AGENT");
    if (verb.action == &Change<v1::AgentAction::KIND_DRAIN>) {
      command
          ->add_option("--deadline", options->deadline,
                       "stop what still runs after so long, such as 30m or '2 hours'")
          ->type_name("D");
    }
    AddRequestKeyOption(command, options->request_key);
    tree.OnRun(command, options, verb.action);
  }
}

}  // namespace grange::ctl
