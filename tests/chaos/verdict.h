#ifndef GRANGE_TESTS_CHAOS_VERDICT_H_
#define GRANGE_TESTS_CHAOS_VERDICT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/chaos/workload.h"

// What a finished job of a chaos run says about the farm. Pure.
namespace grange::chaos {

struct AttemptFacts {
  int number = 0;
  std::string status, reason, agent;
  std::string log;
  int starts = 0;  // by the marks that its program left
};

struct JobFacts {
  int64_t id = 0;
  std::string status;
  std::vector<AttemptFacts> attempts;
  int strange_starts = 0;  // of attempts that the coordinator doesn't know
};

struct Verdict {
  int lost = 0;     // 1 if the job ended otherwise than its script or a fault explains
  int twice = 0;    // starts too many
  int unequal = 0;  // logs that are not what was printed
  std::vector<std::string> texts;  // one for each of them
};

// `explained` says whether a fault that was done explains why this attempt failed.
Verdict Judge(const ChaosJob& job, uint64_t seed, const JobFacts& facts,
              const std::function<bool(const AttemptFacts&)>& explained);

}  // namespace grange::chaos

#endif  // GRANGE_TESTS_CHAOS_VERDICT_H_
