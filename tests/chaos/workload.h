#ifndef GRANGE_TESTS_CHAOS_WORKLOAD_H_
#define GRANGE_TESTS_CHAOS_WORKLOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// The pipelines of a chaos run: the file, and what each of its jobs must have printed. Pure.
namespace grange::chaos {

struct ChaosJob {
  std::string name;
  std::string command;  // the one line of its script, which the log repeats
  // The log has lines of the agent's own around the script: it fetches sources or artifacts.
  bool has_preamble = false;
};

// One job for each kind of stream, one that keeps an artifact, one that needs it.
const std::vector<ChaosJob>& ChaosJobs();

// The .gitlab-ci.yml. Wants the variables CHAOS_JOB (the program), CHAOS_SEED, CHAOS_STARTS.
std::string ChaosPipelineFile();

// What the command prints.
std::string ExpectedOutput(const ChaosJob& job, uint64_t seed);

// "" if `log` is what this job must have printed; else what is wrong with it, in words. With
// `whole` false the attempt was ended by a fault: the log may end anywhere.
std::string LogDifference(const ChaosJob& job, uint64_t seed, absl::string_view log, bool whole);

}  // namespace grange::chaos

#endif  // GRANGE_TESTS_CHAOS_WORKLOAD_H_
