#include "tests/chaos/verdict.h"

#include "absl/strings/str_cat.h"

namespace grange::chaos {
namespace {

constexpr int kAttemptsMax = 3;  // `retry: max: 2`

}  // namespace

Verdict Judge(const ChaosJob& job, uint64_t seed, const JobFacts& facts,
              const std::function<bool(const AttemptFacts&)>& explained) {
  Verdict verdict;
  const std::string name = absl::StrCat("job ", facts.id, " '", job.name, "'");
  const auto lose = [&](const std::string& why) {
    verdict.lost = 1;
    verdict.texts.push_back(absl::StrCat(name, " ", why));
  };
  for (const AttemptFacts& attempt : facts.attempts) {
    const bool success = attempt.status == "success";
    const std::string which = absl::StrCat("attempt ", attempt.number, " on ", attempt.agent);
    if (attempt.starts > 1) {
      verdict.twice += attempt.starts - 1;
      verdict.texts.push_back(absl::StrCat(name, " ", which, " was started twice"));
    }
    if (success && attempt.starts == 0) lose(which + " succeeded and was never started");
    if (!success && !explained(attempt)) {
      lose(absl::StrCat(which, " ended ", attempt.status, " with '", attempt.reason,
                        "', which no fault explains"));
    }
    const std::string difference = LogDifference(job, seed, attempt.log, success);
    if (difference.empty()) continue;
    ++verdict.unequal;
    verdict.texts.push_back(absl::StrCat(name, " ", which, ": log: ", difference));
  }
  if (facts.strange_starts > 0) {
    verdict.twice += facts.strange_starts;
    verdict.texts.push_back(name + " was started for an attempt that the coordinator doesn't know");
  }
  // Without a success all tries must have been used.
  if (facts.status != "success" && facts.attempts.size() < kAttemptsMax) {
    lose(absl::StrCat("is ", facts.status, " after ", facts.attempts.size(), " attempts"));
  }
  if (facts.attempts.empty()) lose("has no attempt");
  return verdict;
}

}  // namespace grange::chaos
