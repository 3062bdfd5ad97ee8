// usage, sweep, pin, unpin: what is kept, and what goes.
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "coordinator/retention/limits.h"
#include "tools/ctl/client.h"
#include "tools/ctl/command.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/request_key.h"
#include "tools/ctl/table.h"
#include "tools/ctl/time_text.h"

namespace grange::ctl {
namespace {

using retention::BytesText;

struct UsageOptions {};
struct SweepOptions {
  bool dry_run = false;
};
struct PinOptions {
  int64_t pipeline = 0;
  std::string request_key;
};

std::string AgeCell(int64_t limit_ms) {
  return limit_ms == 0 ? "" : retention::AgeText(absl::Milliseconds(limit_ms));
}

Json LineJson(const v1::UsageLine& line) {
  Json json;
  json["kind"] = line.kind();
  json["project"] = line.project().empty() ? Json(nullptr) : Json(line.project());
  json["agent"] = line.agent().empty() ? Json(nullptr) : Json(line.agent());
  json["count"] = line.count();
  json["bytes"] = line.bytes();
  json["age_limit"] = line.age_limit_ms() == 0
                          ? Json(nullptr)
                          : Json(static_cast<double>(line.age_limit_ms()) / 1000.0);
  json["bytes_limit"] = line.bytes_limit() == 0 ? Json(nullptr) : Json(line.bytes_limit());
  json["oldest_at"] = TimeJson(line.oldest_ms());
  json["removed"] = {{"at", TimeJson(line.removed_ms())},
                     {"count", line.removed_count()},
                     {"bytes", line.removed_bytes()}};
  return json;
}

Json UsageJson(const v1::UsageReply& reply) {
  Json lines = Json::array();
  for (const v1::UsageLine& line : reply.lines()) lines.push_back(LineJson(line));
  return {{"usage", std::move(lines)},
          {"database", {{"bytes", reply.database_bytes()}, {"free", reply.database_free_bytes()}}},
          {"disk", {{"bytes", reply.disk_bytes()}, {"free", reply.disk_free_bytes()}}},
          {"last_sweep_at", TimeJson(reply.last_sweep_ms())},
          {"next_sweep_at", TimeJson(reply.next_sweep_ms())}};
}

// What the agents keep on their own disks. What one said that is away now is of its last contact.
std::string AgentsText(const v1::UsageReply& reply, const v1::ListAgentsReply& agents,
                       Context& context) {
  Table table({{"AGENT"},
               {"KIND"},
               {"COUNT", Table::Align::kRight},
               {"SIZE", Table::Align::kRight},
               {"AS OF"}});
  for (const v1::Agent& agent : agents.agents()) {
    if (agent.status() == "revoked") continue;
    const bool away = agent.status() == "offline" || agent.status() == "unreachable";
    const std::string as_of =
        away ? ClockText(absl::FromUnixMillis(agent.last_contact_ms())).substr(0, 5) : "now";
    bool counted = false;
    for (const v1::UsageLine& line : reply.lines()) {
      if (line.agent() != agent.name()) continue;
      table.AddRow({counted ? "" : agent.name(), line.kind(),
                    line.kind() == "spool" ? "" : absl::StrCat(line.count()),
                    BytesText(line.bytes()), as_of});
      counted = true;
    }
    if (!counted) table.AddRow({agent.name(), "not counted yet", "", "", ""});
  }
  return table.ToString(context.out());
}

absl::StatusOr<ExitCode> Usage(Context& context, const UsageOptions&) {
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::UsageReply reply,
                          client->Call(&v1::Control::Stub::Usage, v1::UsageRequest()));
  if (context.json()) {
    context.PrintJson(UsageJson(reply));
    return kExitDone;
  }
  GRANGE_ASSIGN_OR_RETURN(const v1::ListAgentsReply agents,
                          client->Call(&v1::Control::Stub::ListAgents, v1::ListAgentsRequest()));
  Table table({{"KIND"},
               {"PROJECT"},
               {"COUNT", Table::Align::kRight},
               {"SIZE", Table::Align::kRight},
               {"KEPT"},
               {"AT MOST", Table::Align::kRight},
               {"OLDEST"},
               {"LAST REMOVED"}});
  const absl::Time now = absl::Now();
  for (const v1::UsageLine& line : reply.lines()) {
    if (!line.agent().empty()) continue;
    table.AddRow({line.kind(), line.project().empty() ? "(all)" : line.project(),
                  absl::StrCat(line.count()), BytesText(line.bytes()), AgeCell(line.age_limit_ms()),
                  line.bytes_limit() == 0 ? "" : BytesText(line.bytes_limit()),
                  Ago(line.oldest_ms(), now),
                  line.removed_ms() == 0
                      ? ""
                      : absl::StrCat(line.removed_count(), ", ", BytesText(line.removed_bytes()),
                                     ", ", Ago(line.removed_ms(), now))});
  }
  std::string out = table.ToString(context.out());
  if (agents.agents_size() > 0) {
    absl::StrAppend(&out, "\n", AgentsText(reply, agents, context));
  }
  absl::StrAppend(&out, "\ndatabase    ", BytesText(reply.database_bytes()), ", of which ",
                  BytesText(reply.database_free_bytes()), " are free for new rows\ndisk        ",
                  BytesText(reply.disk_free_bytes()), " of ", BytesText(reply.disk_bytes()),
                  " are free\nnext sweep  ", Rfc3339(reply.next_sweep_ms()), "\n");
  if (reply.last_sweep_ms() != 0) {
    absl::StrAppend(&out, "last sweep  ", Rfc3339(reply.last_sweep_ms()), "\n");
  }
  context.Print(out);
  return kExitDone;
}

absl::StatusOr<ExitCode> Sweep(Context& context, const SweepOptions& options) {
  v1::SweepRequest request;
  request.set_dry_run(options.dry_run);
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::SweepReply reply,
                          client->Call(&v1::Control::Stub::Sweep, request));
  if (context.json()) {
    Json lines = Json::array();
    for (const v1::Swept& line : reply.swept()) {
      lines.push_back({{"kind", line.kind()},
                       {"project", line.project().empty() ? Json(nullptr) : Json(line.project())},
                       {"limit", line.limit()},
                       {"count", line.count()},
                       {"bytes", line.bytes()},
                       {"oldest_at", TimeJson(line.oldest_ms())}});
    }
    context.PrintJson({{"dry_run", options.dry_run}, {"swept", std::move(lines)}});
    return kExitDone;
  }
  if (reply.swept_size() == 0) {
    context.Print(options.dry_run ? "nothing would be removed\n" : "nothing was removed\n");
    return kExitDone;
  }
  Table table({{options.dry_run ? "WOULD REMOVE" : "REMOVED"},
               {"PROJECT"},
               {"COUNT", Table::Align::kRight},
               {"SIZE", Table::Align::kRight},
               {"OLDEST"},
               {"BECAUSE OF"}});
  for (const v1::Swept& line : reply.swept()) {
    table.AddRow({line.kind(), line.project(), absl::StrCat(line.count()), BytesText(line.bytes()),
                  Rfc3339(line.oldest_ms()), line.limit()});
  }
  context.Print(table.ToString(context.out()));
  return kExitDone;
}

absl::StatusOr<ExitCode> SetPin(Context& context, const PinOptions& options, bool unpin) {
  v1::PinRequest request;
  GRANGE_ASSIGN_OR_RETURN(*request.mutable_request_key(), RequestKey(options.request_key));
  request.set_pipeline_id(options.pipeline);
  request.set_unpin(unpin);
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  GRANGE_ASSIGN_OR_RETURN(const v1::ActionReply reply,
                          client->Call(&v1::Control::Stub::PinPipeline, request));
  if (context.json()) {
    context.PrintJson({{"pipeline_id", options.pipeline}, {"message", reply.message()}});
  } else {
    context.Print(absl::StrCat(Printable(reply.message()), "\n"));
  }
  return kExitDone;
}

absl::StatusOr<ExitCode> Pin(Context& context, const PinOptions& options) {
  return SetPin(context, options, false);
}

absl::StatusOr<ExitCode> Unpin(Context& context, const PinOptions& options) {
  return SetPin(context, options, true);
}

}  // namespace

void AddRetentionCommands(const CommandTree& tree) {
  tree.OnRun(
      tree.Add(
          tree.root, "usage", "show how much is kept, and its limits",
          "For each kind of thing and each project: how many there are, the bytes on the "
          "coordinator's disk, how long and how much is kept, the oldest one, and what was "
          "removed last. The logs of running jobs count once they have ended. Below that, what "
          "each "
          "agent keeps on its own disk, as it said last: work trees and mirrors for later jobs, "
          "and the spool, which is the logs of jobs that the coordinator doesn't have yet.\n\n"
          "Examples:\n  grangectl usage\n  grangectl usage -o json"),
      std::make_shared<UsageOptions>(), &Usage);

  const auto sweep_options = std::make_shared<SweepOptions>();
  CLI::App* sweep = tree.Add(
      tree.root, "sweep", "remove now what is past its limits",
      "The coordinator does this by itself, when something is due and at least once a day. Nothing "
      "that runs or is pinned is removed, nor the newest pipeline of a branch or tag, nor the "
      "newest one that succeeded. For administrators.\n\n"
      "Examples:\n  grangectl sweep --dry-run\n  grangectl sweep");
  sweep->add_flag("--dry-run", sweep_options->dry_run, "only say what would be removed");
  tree.OnRun(sweep, sweep_options, &Sweep);

  const auto pin_options = std::make_shared<PinOptions>();
  const auto add = [&](const char* name, const char* summary, const char* details,
                       absl::StatusOr<ExitCode> (*run)(Context&, const PinOptions&)) {
    CLI::App* command = tree.Add(tree.root, name, summary, details);
    command->add_option("pipeline", pin_options->pipeline, "the pipeline's id")
        ->required()
        ->type_name("PIPELINE")
        ->check(CLI::Range(int64_t{1}, int64_t{1} << 53));
    AddRequestKeyOption(command, pin_options->request_key);
    tree.OnRun(command, pin_options, run);
  };
  add("pin", "keep a pipeline, whatever its age",
      "A pinned pipeline stays until it is unpinned, with its jobs, logs and artifacts.\n\n"
      "Examples:\n  grangectl pin 12",
      &Pin);
  add("unpin", "let a pinned pipeline go when its time has come",
      "Its age counts from its end, not from now.\n\nExamples:\n  grangectl unpin 12", &Unpin);
}

}  // namespace grange::ctl
