#include "tools/bench/measure/measurement.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "tools/bench/measure/cpu_meter.h"

namespace grange::bench {
namespace {

struct Round {
  Sample grange, floor;
  double grange_cpu = 0, floor_cpu = 0;  // for each unit of work, in ms
  double others = 0;
};

double CpuPerUnit(const CpuMeter::Reading& reading, const Sample& sample) {
  return sample.work > 0 ? reading.our_seconds * 1000 / sample.work : 0;
}

absl::StatusOr<Round> MeasureRound(Row& row) {
  Round round;
  const CpuMeter grange_meter(row.processes());
  GRANGE_ASSIGN_OR_RETURN(round.grange, row.MeasureGrange());
  const CpuMeter::Reading of_grange = grange_meter.Read(row.processes());
  const CpuMeter floor_meter(row.processes());
  GRANGE_ASSIGN_OR_RETURN(round.floor, row.MeasureFloor());
  const CpuMeter::Reading of_floor = floor_meter.Read(row.processes());
  round.grange_cpu = CpuPerUnit(of_grange, round.grange);
  round.floor_cpu = CpuPerUnit(of_floor, round.floor);
  round.others = (of_grange.others_seconds + of_floor.others_seconds) /
                 (of_grange.capacity_seconds + of_floor.capacity_seconds);
  return round;
}

FigureResult Summarize(const Figure& figure, const std::vector<double>& grange,
                       const std::vector<double>& floor) {
  FigureResult result{.figure = figure, .grange = SpreadOf(grange), .floor = {}};
  if (!floor.empty()) result.floor = SpreadOf(floor);
  return result;
}

RowResult Summarize(const Row::Description& description, const std::vector<Round>& rounds) {
  RowResult result{.id = description.id,
                   .title = description.title,
                   .floor = description.floor,
                   .note = description.note,
                   .figures = {},
                   .others = {}};
  for (size_t i = 0; i < description.figures.size(); ++i) {
    std::vector<double> grange, floor;
    for (const Round& round : rounds) {
      grange.push_back(round.grange.values[i]);
      if (i < round.floor.values.size()) floor.push_back(round.floor.values[i]);
    }
    result.figures.push_back(Summarize(description.figures[i], grange, floor));
  }
  std::vector<double> grange_cpu, floor_cpu, others;
  for (const Round& round : rounds) {
    grange_cpu.push_back(round.grange_cpu);
    floor_cpu.push_back(round.floor_cpu);
    others.push_back(round.others);
  }
  if (!description.work_unit.empty()) {
    const Figure cpu = {.name = absl::StrCat("CPU time per ", description.work_unit),
                        .unit = "ms",
                        .goal = description.cpu_goal};
    result.figures.push_back(Summarize(cpu, grange_cpu, floor_cpu));
  }
  result.others = SpreadOf(others);
  result.rounds = static_cast<int>(rounds.size());
  return result;
}

}  // namespace

absl::StatusOr<RowResult> MeasureRow(Row& row, int rounds) {
  const Row::Description& description = row.description();
  const auto say = [&](const std::string& what) {
    std::fprintf(stderr, "%s %s: %s\n", description.id.c_str(), description.title.c_str(),
                 what.c_str());
  };
  say("preparing");
  GRANGE_RETURN_IF_ERROR(row.Prepare());
  if (description.rounds_max > 0) rounds = std::min(rounds, description.rounds_max);
  if (description.warm_up) {
    say("warming up");
    GRANGE_RETURN_IF_ERROR(MeasureRound(row).status());
  }
  std::vector<Round> kept;
  int repeated = 0, disturbed = 0;
  while (static_cast<int>(kept.size()) < rounds) {
    say(absl::StrCat("round ", kept.size() + 1, " of ", rounds));
    GRANGE_ASSIGN_OR_RETURN(Round round, MeasureRound(row));
    for (int repeats = 0; round.others > kOthersMax && repeats < kRepeatsMax; ++repeats) {
      ++repeated;
      GRANGE_ASSIGN_OR_RETURN(round, MeasureRound(row));
    }
    if (round.others > kOthersMax) ++disturbed;
    kept.push_back(std::move(round));
  }
  RowResult result = Summarize(description, kept);
  result.repeated = repeated;
  result.disturbed = disturbed;
  return result;
}

std::optional<double> RatioOf(const FigureResult& result) {
  if (!result.floor.has_value() || !(result.floor->median > 0)) return std::nullopt;
  return result.grange.median / result.floor->median;
}

std::optional<bool> MeetsGoal(const FigureResult& result) {
  const Goal& goal = result.figure.goal;
  const std::optional<double> ratio = RatioOf(result);
  switch (goal.kind) {
    case Goal::Kind::kNone:
      return std::nullopt;
    case Goal::Kind::kAtMost:
      return result.grange.median <= goal.limit;
    case Goal::Kind::kAtLeast:
      return result.grange.median >= goal.limit;
    case Goal::Kind::kFloorPlusAtMost:
      return result.floor.has_value() && result.grange.median - result.floor->median <= goal.limit;
    case Goal::Kind::kRatioAtMost:
      return ratio.has_value() && *ratio <= goal.limit;
    case Goal::Kind::kRatioAtLeast:
      return ratio.has_value() && *ratio >= goal.limit;
  }
  return std::nullopt;
}

}  // namespace grange::bench
