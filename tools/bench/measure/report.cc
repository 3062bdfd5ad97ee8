#include "tools/bench/measure/report.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace grange::bench {
namespace {

constexpr char kIntroduction[] =
    "# Benchmarks\n"
    "\n"
    "Written by `make bench`. Each row stands beside its floor: the least that this machine needs\n"
    "for the same thing. Both are measured in turns in one run, after a warm-up; a cell shows min "
    "/\n"
    "**median** / max of the rounds, and goals are judged by medians. CPU time is that of all of\n"
    "Grange's processes, the jobs and the measuring client, or that of the floor; a round in "
    "which\n"
    "others used more than 15 % of all CPUs is repeated, at most twice, and counted as disturbed "
    "if\n"
    "it stays so.\n";

// Three digits, which is more than repeats.
std::string Number(double value) {
  if (std::isnan(value)) return "–";
  if (value >= 100) return absl::StrFormat("%.0f", value);
  if (value >= 10) return absl::StrFormat("%.1f", value);
  return absl::StrFormat("%.2f", value);
}

std::string Percent(double share) { return absl::StrFormat("%.0f %%", share * 100); }

std::string Cell(const Spread& spread) {
  return absl::StrCat(Number(spread.min), " / **", Number(spread.median), "** / ",
                      Number(spread.max));
}

std::string GoalText(const Figure& figure) {
  const std::string limit = absl::StrFormat("%g", figure.goal.limit);
  const std::string unit = figure.unit.empty() ? "" : absl::StrCat(" ", figure.unit);
  switch (figure.goal.kind) {
    case Goal::Kind::kNone:
      return "";
    case Goal::Kind::kAtMost:
      return absl::StrCat("≤ ", limit, unit);
    case Goal::Kind::kAtLeast:
      return absl::StrCat("≥ ", limit, unit);
    case Goal::Kind::kFloorPlusAtMost:
      return absl::StrCat("≤ floor + ", limit, unit);
    case Goal::Kind::kRatioAtMost:
      return absl::StrCat("≤ ", limit, " × floor");
    case Goal::Kind::kRatioAtLeast:
      return absl::StrCat("≥ ", limit, " × floor");
  }
  return "";
}

std::string MetText(const FigureResult& result) {
  const std::optional<bool> met = MeetsGoal(result);
  if (!met.has_value()) return "";
  return *met ? "yes" : "**no**";
}

void AppendFigure(const FigureResult& result, std::string* text) {
  const std::optional<double> ratio = RatioOf(result);
  absl::StrAppend(text, "| ", result.figure.name,
                  result.figure.unit.empty() ? "" : absl::StrCat(" (", result.figure.unit, ")"),
                  " | ", Cell(result.grange), " | ",
                  result.floor.has_value() ? Cell(*result.floor) : "", " | ",
                  ratio.has_value() ? Number(*ratio) : "", " | ", GoalText(result.figure), " | ",
                  MetText(result), " |\n");
}

void AppendSummary(const RowResult& row, std::string* text) {
  int goals = 0, met = 0;
  for (const FigureResult& figure : row.figures) {
    const std::optional<bool> meets = MeetsGoal(figure);
    if (!meets.has_value()) continue;
    ++goals;
    if (*meets) ++met;
  }
  absl::StrAppend(text, "| ", row.id, " | ", row.title, " | ",
                  goals == 0 ? "" : absl::StrCat(met, " of ", goals), " |\n");
}

void AppendRow(const RowResult& row, std::string* text) {
  absl::StrAppend(text, "\n## ", row.id, ": ", row.title, "\n\n");
  if (!row.floor.empty()) absl::StrAppend(text, "Floor: ", row.floor, ".\n\n");
  if (!row.note.empty()) absl::StrAppend(text, row.note, "\n\n");
  absl::StrAppend(text, "| | Grange | floor | ratio | goal | met |\n|---|---|---|---|---|---|\n");
  for (const FigureResult& figure : row.figures) AppendFigure(figure, text);
  absl::StrAppend(text, "\n", row.rounds, " rounds; others used ", Percent(row.others.min), " to ",
                  Percent(row.others.max), " of all CPUs; ", row.repeated, " rounds repeated, ",
                  row.disturbed, " of those kept disturbed.\n");
}

}  // namespace

std::string ToMarkdown(const std::vector<std::pair<std::string, std::string>>& machine,
                       const std::vector<RowResult>& rows) {
  std::string text = absl::StrCat(kIntroduction, "\n| | |\n|---|---|\n");
  for (const auto& [name, value] : machine) {
    absl::StrAppend(&text, "| ", name, " | ", value, " |\n");
  }
  absl::StrAppend(&text, "\n| row | | goals met |\n|---|---|---|\n");
  for (const RowResult& row : rows) AppendSummary(row, &text);
  for (const RowResult& row : rows) AppendRow(row, &text);
  return text;
}

}  // namespace grange::bench
