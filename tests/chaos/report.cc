#include "tests/chaos/report.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace grange::chaos {
namespace {

// The value that `share` of the values don't exceed.
double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  return values[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

std::string Seconds(const std::vector<double>& values) {
  if (values.empty()) return absl::StrFormat("%8s %8s", "-", "-");
  return absl::StrFormat("%8.2f %8.2f", Quantile(values, 0.5), Quantile(values, 0.99));
}

int CountOf(const std::map<FaultKind, int>& counts, FaultKind kind) {
  const auto found = counts.find(kind);
  return found == counts.end() ? 0 : found->second;
}

std::vector<double> SecondsOf(const Tally& tally, FaultKind kind) {
  const auto found = tally.seconds.find(kind);
  return found == tally.seconds.end() ? std::vector<double>() : found->second;
}

std::string FaultRows(const Tally& tally) {
  std::string rows = absl::StrFormat("%-30s %8s %8s %8s %8s %8s\n", "fault", "injected", "skipped",
                                     "measured", "p50 s", "p99 s");
  std::vector<double> all;
  int injected = 0, skipped = 0;
  for (const FaultKind kind : kFaultKinds) {
    const auto skip = tally.skipped.find(kind);
    const int skips = skip == tally.skipped.end() ? 0 : skip->second.first;
    const std::vector<double> seconds = SecondsOf(tally, kind);
    const int count = CountOf(tally.injected, kind);
    if (count + skips == 0) continue;
    absl::StrAppendFormat(&rows, "%-30s %8d %8d %8d %s\n", FaultKindText(kind), count, skips,
                          seconds.size(), Seconds(seconds));
    all.insert(all.end(), seconds.begin(), seconds.end());
    injected += count;
    skipped += skips;
  }
  absl::StrAppendFormat(&rows, "%-30s %8d %8d %8d %s\n", "all", injected, skipped, all.size(),
                        Seconds(all));
  absl::StrAppendFormat(&rows, "%-30s %8s %8s %8d %s\n", "coordinator's start until ready", "", "",
                        tally.ready_seconds.size(), Seconds(tally.ready_seconds));
  return rows;
}

}  // namespace

std::string ReportOf(const Tally& tally, uint64_t seed, absl::Duration took) {
  std::string text = FaultRows(tally);
  absl::StrAppendFormat(&text,
                        "\npipelines %d, jobs run %d, attempts %d, logs followed as they came %d\n"
                        "jobs lost %d, jobs started twice %d, logs unequal %d, other findings %d\n",
                        tally.pipelines, tally.jobs, tally.attempts, tally.followed, tally.lost,
                        tally.twice, tally.unequal, tally.other);
  std::set<std::string> said;
  for (const auto& [kind, skip] : tally.skipped) {
    if (said.insert(absl::StrCat(FaultKindText(kind), skip.second)).second) {
      absl::StrAppend(&text, "skipped: ", FaultKindText(kind), ": ", skip.second, "\n");
    }
  }
  absl::StrAppendFormat(&text, "seed %d, %.0f s\n", seed, absl::ToDoubleSeconds(took));
  return text;
}

}  // namespace grange::chaos
