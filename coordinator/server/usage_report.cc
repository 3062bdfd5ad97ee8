#include "coordinator/server/usage_report.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::server {
namespace {

using retention::Kind;

constexpr Kind kOfProjects[] = {Kind::kPipelines, Kind::kTraces, Kind::kArtifacts, Kind::kMirrors};

// What the rows say of mirrors is what sweeps have removed; how much there is, the disk says.
absl::Status AddMirrors(store::Store& store, source::GitMirrors& mirrors,
                        std::vector<store::UsageRow>& rows) {
  std::map<ProjectId, uint64_t> bytes;
  for (const ProjectId project : mirrors.OnDisk()) bytes[project] = mirrors.BytesOf(project);
  const auto count = [&bytes](store::UsageRow& row) {
    const auto found = bytes.find(row.project);
    if (found == bytes.end()) return;
    row.count = 1;
    row.bytes = found->second;
    bytes.erase(found);
  };
  for (store::UsageRow& row : rows) {
    if (row.kind == retention::KindName(Kind::kMirrors)) count(row);
  }
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::Project> projects, store.ListProjects());
  for (const store::Project& project : projects) {
    if (!bytes.contains(project.id)) continue;
    store::UsageRow row;
    row.kind = std::string(retention::KindName(Kind::kMirrors));
    row.project = project.id;
    row.project_name = project.name;
    count(row);
    rows.push_back(std::move(row));
  }
  return absl::OkStatus();
}

// Those of all projects together: their sizes are limited by the farm's limits.
void AddTotals(const retention::Limits& farm, control::UsageReport& report) {
  std::map<std::string, control::UsageLine> totals;
  for (const Kind kind : kOfProjects) {
    control::UsageLine& total = totals[std::string(retention::KindName(kind))];
    total.row.kind = std::string(retention::KindName(kind));
    total.limit = farm.Of(kind);
  }
  for (const control::UsageLine& line : report.lines) {
    const auto found = totals.find(line.row.kind);
    if (found == totals.end()) continue;
    store::UsageRow& total = found->second.row;
    total.count += line.row.count;
    total.bytes += line.row.bytes;
    if (line.row.oldest != absl::InfinitePast() &&
        (total.oldest == absl::InfinitePast() || line.row.oldest < total.oldest)) {
      total.oldest = line.row.oldest;
    }
    if (line.row.swept_at > total.swept_at) {
      total.swept_at = line.row.swept_at;
      total.swept_count = total.swept_bytes = 0;
    }
    if (line.row.swept_at != absl::InfinitePast() && line.row.swept_at == total.swept_at) {
      total.swept_count += line.row.swept_count;
      total.swept_bytes += line.row.swept_bytes;
    }
  }
  for (auto& [kind, total] : totals) report.lines.push_back(std::move(total));
}

}  // namespace

absl::StatusOr<control::UsageReport> MakeUsageReport(const std::string& state_dir,
                                                     store::Store& store,
                                                     source::GitMirrors& mirrors,
                                                     const sweep::Sweeper& sweeper) {
  control::UsageReport report;
  GRANGE_ASSIGN_OR_RETURN(const retention::Policy policy, sweeper.ReadPolicy());
  GRANGE_ASSIGN_OR_RETURN(std::vector<store::UsageRow> rows, store.ReadUsage());
  GRANGE_RETURN_IF_ERROR(AddMirrors(store, mirrors, rows));
  for (store::UsageRow& row : rows) {
    control::UsageLine line;
    if (row.kind == retention::KindName(Kind::kAudit)) {
      line.limit = sweeper.options().audit;
    } else {
      for (const Kind kind : kOfProjects) {
        if (row.kind == retention::KindName(kind)) line.limit = policy.Of(kind, row.project);
      }
    }
    line.row = std::move(row);
    report.lines.push_back(std::move(line));
  }
  AddTotals(policy.farm, report);
  struct statvfs disk {};
  if (::statvfs(state_dir.c_str(), &disk) != 0) {
    return os::ErrnoStatus(errno, "cannot look at the disk of", state_dir);
  }
  report.disk_bytes = static_cast<uint64_t>(disk.f_blocks) * disk.f_frsize;
  report.disk_free = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
  GRANGE_ASSIGN_OR_RETURN(report.database, store.ReadDatabaseSize());
  report.sweeps = sweeper.times();
  return report;
}

absl::Status AddAgents(store::Store& store, const session::SessionHub& hub,
                       control::UsageReport& report) {
  GRANGE_ASSIGN_OR_RETURN(const std::vector<store::AgentRow> agents, store.ListAgents());
  for (const store::AgentRow& agent : agents) {
    const std::optional<session::AgentKept> kept = hub.KeptBy(agent.id);
    if (!kept.has_value()) continue;
    const auto add = [&](const char* kind, uint64_t count, uint64_t bytes) {
      control::UsageLine line;
      line.agent = agent.name;
      line.row.kind = kind;
      line.row.count = count;
      line.row.bytes = bytes;
      report.lines.push_back(std::move(line));
    };
    add("work trees", kept->work_trees, kept->work_tree_bytes);
    add("agent mirrors", kept->mirrors, kept->mirror_bytes);
    add("spool", 1, kept->spool_bytes);
  }
  return absl::OkStatus();
}

}  // namespace grange::server
