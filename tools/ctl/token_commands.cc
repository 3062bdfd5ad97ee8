// token create, list, revoke.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/text/address_range.h"
#include "common/text/duration_text.h"
#include "tools/ctl/command.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/request_key.h"
#include "tools/ctl/table.h"
#include "tools/ctl/time_text.h"

namespace grange::ctl {
namespace {

struct NoOptions {};

struct CreateOptions {
  bool registration = false;
  std::string user;
  std::string role;
  std::vector<std::string> tags;
  std::vector<std::string> from;
  std::string ttl;
  int uses = 0;
  std::string request_key;
};

struct RevokeOptions {
  int64_t id = 0;
  std::string request_key;
};

absl::Status CheckCreate(const CreateOptions& options) {
  if (options.registration == !options.user.empty()) {
    return UsageError(
        "a token is for --registration or for --user NAME --role ROLE; give one of the two");
  }
  if (!options.user.empty() && options.role.empty()) {
    return UsageError("--user needs --role admin, developer or viewer");
  }
  if (options.registration && !options.role.empty()) {
    return UsageError("--role goes with --user, not with --registration");
  }
  if (!options.user.empty() &&
      (options.uses != 0 || !options.tags.empty() || !options.from.empty())) {
    return UsageError("--uses, --tag and --from go with --registration, not with --user");
  }
  for (const std::string& from : options.from) {
    const absl::Status range = text::AddressRange::Parse(from).status();
    if (!range.ok()) return UsageError(absl::StrCat("--from: ", range.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Create(Context& context, const CreateOptions& options) {
  GRANGE_RETURN_IF_ERROR(CheckCreate(options));
  v1::CreateTokenRequest request;
  GRANGE_ASSIGN_OR_RETURN(*request.mutable_request_key(), RequestKey(options.request_key));
  request.set_registration(options.registration);
  request.set_project(context.globals().project);
  for (const std::string& tag : options.tags) request.add_tags(tag);
  for (const std::string& from : options.from) request.add_from(from);
  if (!options.ttl.empty()) {
    const absl::StatusOr<absl::Duration> ttl = text::ParseDuration(options.ttl);
    if (!ttl.ok()) return UsageError(absl::StrCat("--ttl: ", ttl.status().message()));
    if (*ttl < absl::Seconds(1)) return UsageError("--ttl is at least one second");
    request.set_ttl_ms(absl::ToInt64Milliseconds(*ttl));
  }
  request.set_uses(options.uses);
  request.set_user(options.user);
  request.set_role(options.role);
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::CreateTokenReply reply,
                          client->Call(&v1::Control::Stub::CreateToken, request));
  if (context.json()) {
    context.PrintJson({{"id", reply.id()},
                       {"token", reply.token()},
                       {"expires_at", TimeJson(reply.expires_ms())}});
    return kExitDone;
  }
  if (context.err().is_terminal) {
    context.Note(absl::StrCat("token ", reply.id(), ", shown only now",
                              reply.expires_ms() == 0
                                  ? ""
                                  : absl::StrCat("; valid until ", Rfc3339(reply.expires_ms()))));
  }
  context.Print(absl::StrCat(Printable(reply.token()), "\n"));
  return kExitDone;
}

std::string StateOf(const v1::Token& token, absl::Time now) {
  if (token.revoked()) return "revoked";
  if (token.expires_ms() != 0 && absl::FromUnixMillis(token.expires_ms()) < now) return "expired";
  if (token.kind() == "registration" && token.uses_left() == 0) return "used up";
  return "valid";
}

absl::StatusOr<ExitCode> List(Context& context, const NoOptions&) {
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ListTokensReply reply,
                          client->Call(&v1::Control::Stub::ListTokens, v1::ListTokensRequest()));
  if (context.json()) {
    Json list = Json::array();
    for (const v1::Token& token : reply.tokens()) list.push_back(TokenJson(token));
    context.PrintJson({{"tokens", std::move(list)}});
    return kExitDone;
  }
  Table table({{"ID", Table::Align::kRight},
               {"KIND"},
               {"USER"},
               {"ROLE"},
               {"STATE"},
               {"USED", Table::Align::kRight},
               {"LEFT", Table::Align::kRight},
               {"PROJECT"},
               {"TAGS"},
               {"FROM"},
               {"EXPIRES"}});
  const absl::Time now = absl::Now();
  for (const v1::Token& token : reply.tokens()) {
    table.AddRow({absl::StrCat(token.id()), token.kind(), token.user(), token.role(),
                  StateOf(token, now), absl::StrCat(token.used()),
                  token.kind() == "registration" ? absl::StrCat(token.uses_left()) : "",
                  token.project(), absl::StrJoin(token.tags(), ","),
                  absl::StrJoin(token.from(), ","),
                  token.expires_ms() == 0 ? "never" : Rfc3339(token.expires_ms())});
  }
  context.Print(table.ToString(context.out()));
  return kExitDone;
}

absl::StatusOr<ExitCode> Revoke(Context& context, const RevokeOptions& options) {
  v1::RevokeTokenRequest request;
  GRANGE_ASSIGN_OR_RETURN(*request.mutable_request_key(), RequestKey(options.request_key));
  request.set_id(options.id);
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ActionReply reply,
                          client->Call(&v1::Control::Stub::RevokeToken, request));
  if (context.json()) {
    context.PrintJson({{"id", options.id}, {"message", reply.message()}});
  } else {
    context.Print(absl::StrCat(Printable(reply.message()), "\n"));
  }
  return kExitDone;
}

}  // namespace

void AddTokenCommands(const CommandTree& tree) {
  CLI::App* group = tree.Add(
      tree.root, "token", "create, list and revoke tokens",
      "A registration token lets agents join; a user's token lets a person use grangectl. The "
      "coordinator keeps only a hash: a token is shown once.\n\n"
      "Examples:\n  grangectl token create --registration\n  grangectl token list");
  group->require_subcommand(1);

  const auto create = std::make_shared<CreateOptions>();
  CLI::App* command = tree.Add(
      *group, "create", "create a token and print it",
      "Prints the token alone on stdout. A registration token is good for one agent and one hour "
      "unless --uses and --ttl say otherwise; with --project its agents serve only that project, "
      "with --tag they may have only those tags, with --from it works only for machines with "
      "these addresses, as the coordinator sees them.\n\n"
      "Examples:\n  grangectl token create --registration --uses 2 --ttl 1d\n"
      "  grangectl token create --registration --from 10.1.0.0/16 --from 2001:db8::/32\n"
      "  grangectl token create --user ada --role developer");
  command->add_flag("--registration", create->registration, "for 'grange-agent register'");
  command->add_option("--user", create->user, "for a person of this name")->type_name("NAME");
  command->add_option("--role", create->role, "what the person may do: admin, developer, viewer")
      ->type_name("ROLE")
      ->check(CLI::IsMember({"admin", "developer", "viewer"}));
  command->add_option("--tag", create->tags, "a tag its agents may have; may be repeated")
      ->type_name("T")
      ->allow_extra_args(false);
  command
      ->add_option("--from", create->from,
                   "an address, or a network such as 10.1.0.0/16, that may use it; may be repeated")
      ->type_name("RANGE")
      ->allow_extra_args(false);
  command->add_option("--ttl", create->ttl, "how long it is valid, such as '90 minutes' or 7d")
      ->type_name("D");
  command->add_option("--uses", create->uses, "how many agents may register with it (default 1)")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 20));
  AddRequestKeyOption(command, create->request_key);
  tree.OnRun(command, create, &Create);

  tree.OnRun(tree.Add(*group, "list", "list tokens, never their text",
                      "Shows who each token is for, whether it is valid and how often it was "
                      "used.\n\nExamples:\n  grangectl token list"),
             std::make_shared<NoOptions>(), &List);

  const auto revoke = std::make_shared<RevokeOptions>();
  command = tree.Add(*group, "revoke", "make a token useless",
                     "Agents that registered with it stay; see 'grangectl agent revoke'.\n\n"
                     "Examples:\n  grangectl token revoke 4");
  command->add_option("id", revoke->id, "the token's id, as 'grangectl token list' shows it")
      ->required()
      ->type_name("ID")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 53));
  AddRequestKeyOption(command, revoke->request_key);
  tree.OnRun(command, revoke, &Revoke);
}

}  // namespace grange::ctl
