#include "tests/chaos/workload.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/chaos/known_stream.h"

namespace grange::chaos {
namespace {

constexpr char kPack[] = "pack";
constexpr char kCollect[] = "collect";
constexpr StreamKind kPacked = StreamKind::kBinary;
constexpr StreamKind kCollected = StreamKind::kLines;
// What the agent may say before a script starts.
constexpr size_t kPreambleMax = 4096;

std::string Call(StreamKind kind) {
  return absl::StrCat("\"$CHAOS_JOB\" ", StreamKindName(kind), " $CHAOS_SEED \"$CHAOS_STARTS\"");
}

std::string FirstDifference(absl::string_view want, absl::string_view got) {
  const auto [a, b] = std::mismatch(want.begin(), want.end(), got.begin(), got.end());
  const auto at = static_cast<size_t>(a - want.begin());
  return absl::StrCat("byte ", at, " of ", want.size(), ": '", absl::CEscape(want.substr(at, 24)),
                      "' wanted, '", absl::CEscape(got.substr(at, 24)), "' there, which has ",
                      got.size());
}

}  // namespace

const std::vector<ChaosJob>& ChaosJobs() {
  static const auto* const jobs = [] {
    auto* all = new std::vector<ChaosJob>;
    for (const StreamKind kind : kStreamKinds) {
      all->push_back({.name = std::string(StreamKindName(kind)), .command = "exec " + Call(kind)});
    }
    all->push_back({.name = kPack, .command = Call(kPacked) + " > packed", .has_preamble = true});
    all->push_back(
        {.name = kCollect, .command = Call(kCollected) + " && cat packed", .has_preamble = true});
    return all;
  }();
  return *jobs;
}

std::string ChaosPipelineFile() {
  std::string file =
      "stages: [print, collect]\n"
      "default:\n"
      "  retry: {max: 2, when: runner_system_failure}\n";
  for (const ChaosJob& job : ChaosJobs()) {
    absl::StrAppend(&file, job.name, ":\n  stage: ", job.name == kCollect ? kCollect : "print",
                    "\n  script:\n    - |-\n      ", job.command, "\n");
    if (job.name == kPack) {
      absl::StrAppend(&file, "  artifacts: {paths: [packed]}\n");
    } else {
      absl::StrAppend(&file, "  variables: {GIT_STRATEGY: none}\n");
    }
    if (job.name == kCollect) absl::StrAppend(&file, "  needs: [", kPack, "]\n");
  }
  return file;
}

std::string ExpectedOutput(const ChaosJob& job, uint64_t seed) {
  if (job.name == kPack) return "";
  if (job.name == kCollect) return StreamBytes(kCollected, seed) + StreamBytes(kPacked, seed);
  return StreamBytes(*ParseStreamKind(job.name), seed);
}

std::string LogDifference(const ChaosJob& job, uint64_t seed, absl::string_view log, bool whole) {
  const std::string want = absl::StrCat("$ ", job.command, "\n", ExpectedOutput(job, seed));
  if (job.has_preamble) {
    const size_t begin = log.find(absl::StrCat("$ ", job.command, "\n"));
    if (begin == absl::string_view::npos) {
      if (!whole && log.size() < kPreambleMax) return "";
      return absl::StrCat("the command's line is not in it: '", absl::CEscape(log.substr(0, 200)),
                          "'");
    }
    if (begin > kPreambleMax) return absl::StrCat("the script begins at byte ", begin);
    log.remove_prefix(begin);
    // The last words are the agent's again.
    if (whole && absl::StartsWith(log, want) && log.size() < want.size() + kPreambleMax) return "";
  }
  if (log == want || (!whole && absl::StartsWith(want, log))) return "";
  return FirstDifference(want, log);
}

}  // namespace grange::chaos
