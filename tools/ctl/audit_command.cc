// audit: who changed what, when, from where.
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "tools/ctl/client.h"
#include "tools/ctl/command.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/table.h"
#include "tools/ctl/time_text.h"

namespace grange::ctl {
namespace {

struct AuditOptions {
  int limit = 50;
  int64_t before = 0;
  std::string user;
};

absl::StatusOr<ExitCode> Audit(Context& context, const AuditOptions& options) {
  v1::ListAuditRequest request;
  request.set_limit(options.limit);
  request.set_before_id(options.before);
  request.set_user(options.user);
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ListAuditReply reply,
                          client->Call(&v1::Control::Stub::ListAudit, request));
  if (context.json()) {
    Json entries = Json::array();
    for (const v1::AuditEntry& entry : reply.entries()) {
      entries.push_back({{"id", entry.id()},
                         {"at", TimeJson(entry.at_ms())},
                         {"user", entry.user()},
                         {"token_id", entry.token_id()},
                         {"peer", entry.peer()},
                         {"call", entry.call()},
                         {"text", Printable(entry.text())}});
    }
    context.PrintJson({{"entries", entries}});
    return kExitDone;
  }
  Table table({{"ID"}, {"WHEN"}, {"WHO"}, {"FROM"}, {"WHAT"}});
  for (const v1::AuditEntry& entry : reply.entries()) {
    table.AddRow({absl::StrCat(entry.id()), Rfc3339(entry.at_ms()), entry.user(), entry.peer(),
                  entry.text()});
  }
  context.Print(table.ToString(context.out()));
  return kExitDone;
}

}  // namespace

void AddAuditCommand(const CommandTree& tree) {
  const auto options = std::make_shared<AuditOptions>();
  CLI::App* audit = tree.Add(
      tree.root, "audit", "list who changed what, when and from where",
      "Each change that a person made through grangectl, and each agent that joined or was refused "
      "with a token that is known, newest first. "
      "An entry is written together with its change: there is never one without the other. For "
      "administrators.\n\n"
      "Examples:\n  grangectl audit\n  grangectl audit --user ada --limit 200\n"
      "  grangectl audit --before 1200 -o json");
  audit->add_option("--limit", options->limit, "how many entries (default 50)")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000));
  audit->add_option("--before", options->before, "only entries older than the one with this id")
      ->type_name("ID")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 53));
  audit->add_option("--user", options->user, "only those of this user")->type_name("NAME");
  tree.OnRun(audit, options, &Audit);
}

}  // namespace grange::ctl
