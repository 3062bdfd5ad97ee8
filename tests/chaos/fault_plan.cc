#include "tests/chaos/fault_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace grange::chaos {
namespace {

// The calls that make something durable.
constexpr absl::string_view kCoordinatorCalls[] = {"pwrite64", "fdatasync", "rename"};
constexpr absl::string_view kAgentCalls[] = {"write", "fdatasync", "rename"};
constexpr absl::string_view kErrors[] = {"EIO", "ENOSPC"};
constexpr uint64_t kBytesMax = 5000;

bool IsKill(FaultKind kind) {
  return kind == FaultKind::kKillCoordinator || kind == FaultKind::kKillAgent ||
         kind == FaultKind::kKillBoth || kind == FaultKind::kKillShim;
}

}  // namespace

absl::string_view FaultKindText(FaultKind kind) {
  switch (kind) {
    case FaultKind::kKillCoordinator:
      return "coordinator killed";
    case FaultKind::kKillAgent:
      return "agent killed";
    case FaultKind::kKillBoth:
      return "coordinator and agent killed";
    case FaultKind::kKillShim:
      return "shim killed";
    case FaultKind::kStopCoordinator:
      return "coordinator stopped";
    case FaultKind::kStopAgent:
      return "agent stopped";
    case FaultKind::kStopShim:
      return "shim stopped";
    case FaultKind::kCutLink:
      return "link cut";
    case FaultKind::kHoldLink:
      return "link half-open";
    case FaultKind::kHoldOneWay:
      return "link dead one way";
    case FaultKind::kSlowLink:
      return "link slow";
    case FaultKind::kCutAfterBytes:
      return "link cut after n bytes";
    case FaultKind::kUnplug:
      return "network unplugged";
    case FaultKind::kDropOneWay:
      return "packets dropped one way";
    case FaultKind::kLosePackets:
      return "30 % of packets lost";
    case FaultKind::kNarrowLink:
      return "link of 1 Mbit/s";
    case FaultKind::kFullCoordinatorDisk:
      return "coordinator's disk full";
    case FaultKind::kFullAgentDisk:
      return "agent's disk full";
    case FaultKind::kCoordinatorDiesAtCall:
      return "coordinator killed at a call";
    case FaultKind::kAgentDiesAtCall:
      return "agent killed at a call";
    case FaultKind::kCoordinatorDiskError:
      return "coordinator's disk fails";
    case FaultKind::kAgentDiskError:
      return "agent's disk fails";
    case FaultKind::kShimDiskError:
      return "shim's disk fails";
    case FaultKind::kAgentAbsence:
      return "agent away past lost_after";
  }
  return "";
}

std::string Fault::ToString() const {
  std::string text = absl::StrCat(number, " ", FaultKindText(kind), " choice=", choice % 1000,
                                  " lasts=", absl::FormatDuration(lasts));
  if (!call.empty()) absl::StrAppend(&text, " call=", call);
  if (!error.empty()) absl::StrAppend(&text, " error=", error);
  if (count > 0) absl::StrAppend(&text, " count=", count);
  return text;
}

FaultCounts FaultCounts::Long(int kills) {
  FaultCounts counts;
  for (const FaultKind kind : kFaultKinds) counts.of[kind] = std::max(1, kills / 20);
  counts.of[FaultKind::kKillCoordinator] = kills;
  counts.of[FaultKind::kKillAgent] = kills;
  counts.of[FaultKind::kKillBoth] = std::max(1, kills / 5);
  counts.of[FaultKind::kKillShim] = std::max(1, kills / 5);
  // Each takes a minute.
  counts.of[FaultKind::kAgentAbsence] = std::max(1, kills / 250);
  return counts;
}

FaultCounts FaultCounts::Short() {
  FaultCounts counts;
  for (const FaultKind kind : kFaultKinds) counts.of[kind] = IsKill(kind) ? 20 : 2;
  counts.of[FaultKind::kAgentAbsence] = 0;  // can't be scaled below the time that a retry needs
  return counts;
}

int FaultCounts::sum() const {
  int sum = 0;
  for (const auto& [kind, count] : of) sum += count;
  return sum;
}

FaultPlan::FaultPlan(uint64_t seed, FaultCounts counts, Pace pace)
    : counts_(std::move(counts)), pace_(pace), dice_(seed, 1, 0) {
  Shuffle();
}

void FaultPlan::Shuffle() {
  deck_.clear();
  for (const auto& [kind, count] : counts_.of) {
    deck_.insert(deck_.end(), static_cast<size_t>(count), kind);
  }
  for (size_t i = deck_.size(); i > 1; --i) std::swap(deck_[i - 1], deck_[dice_.Below(i)]);
  next_ = 0;
}

Fault FaultPlan::Next() {
  if (used_up()) Shuffle();
  Fault fault;
  fault.kind = deck_[next_++];
  fault.number = ++number_;
  // Always the same throws in the same order, whatever the kind makes of them.
  fault.choice = dice_.Next() >> 16;
  fault.after = dice_.Between(absl::ZeroDuration(), pace_.after_max);
  const bool is_long = dice_.Below(100) < static_cast<uint64_t>(pace_.long_percent);
  fault.lasts = dice_.Between(absl::Milliseconds(50), is_long ? pace_.long_max : pace_.short_max);
  const uint64_t count = dice_.Next() >> 16;
  const uint64_t call = dice_.Next() >> 16;
  const uint64_t error = dice_.Next() >> 16;
  fault.settle = dice_.Below(100) < static_cast<uint64_t>(pace_.settle_percent);
  // Mostly a supervisor starts at once again what was killed.
  if (IsKill(fault.kind)) {
    fault.lasts = is_long ? std::min(fault.lasts, pace_.short_max) : absl::ZeroDuration();
  }
  if (fault.kind == FaultKind::kCutAfterBytes) fault.count = 1 + count % kBytesMax;
  if (fault.kind == FaultKind::kCoordinatorDiesAtCall ||
      fault.kind == FaultKind::kCoordinatorDiskError) {
    fault.call = std::string(kCoordinatorCalls[call % std::size(kCoordinatorCalls)]);
    fault.count = 1 + count % (fault.call == "pwrite64" ? 40 : fault.call == "rename" ? 1 : 6);
  }
  if (fault.kind == FaultKind::kAgentDiesAtCall || fault.kind == FaultKind::kAgentDiskError) {
    fault.call = std::string(kAgentCalls[call % std::size(kAgentCalls)]);
    fault.count = 1 + count % (fault.call == "rename" ? 1 : 6);
  }
  // The agent's journal, which is what fails, is hardly ever renamed.
  if (fault.kind == FaultKind::kAgentDiskError && fault.call == "rename") fault.call = "write";
  if (fault.kind == FaultKind::kShimDiskError) {
    fault.call = "write";
    fault.count = 1 + count % 4;
  }
  if (fault.kind == FaultKind::kAgentAbsence) {
    fault.lasts = pace_.absence;
    fault.settle = true;
  }
  const bool disk_error = fault.kind == FaultKind::kCoordinatorDiskError ||
                          fault.kind == FaultKind::kAgentDiskError ||
                          fault.kind == FaultKind::kShimDiskError;
  if (disk_error) fault.error = std::string(kErrors[error % std::size(kErrors)]);
  return fault;
}

}  // namespace grange::chaos
