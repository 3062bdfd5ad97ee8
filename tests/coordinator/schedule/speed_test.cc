// The cost of an event does not grow with the number of jobs that wait.
#include <chrono>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/coordinator/schedule/farm.h"

namespace grange::schedule {
namespace {

constexpr int kJobs = 10'000;

// Seconds that it takes to run `jobs` jobs through two slots, with `waiting` more that no agent
// may run. The figure is far above what any machine needs: a walk over all jobs for each event
// would still be some hundred times slower.
double SecondsToRun(int jobs, int waiting) {
  Farm farm;
  farm.Connect({.slots = 2});
  std::vector<TestJob> specs;
  for (int i = 0; i < jobs; ++i) specs.push_back({.name = absl::StrCat("job", i)});
  for (int i = 0; i < waiting; ++i) {
    specs.push_back({.name = absl::StrCat("waits", i), .tags = {absl::StrCat("tag", i % 50)}});
  }
  const auto start = std::chrono::steady_clock::now();
  farm.Submit(specs);
  int done = 0;
  while (!farm.scheduler().Agents().front().jobs.empty()) {
    farm.Succeed(farm.scheduler().Agents().front().jobs.front());
    ++done;
  }
  EXPECT_EQ(done, jobs);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(SpeedTest, RunsTenThousandQueuedJobsAtMoreThanAThousandASecond) {
  const double seconds = SecondsToRun(kJobs, kJobs);
  RecordProperty("jobs_per_second", static_cast<int>(kJobs / seconds));
  EXPECT_LT(seconds, kJobs / 1000.0);
}

}  // namespace
}  // namespace grange::schedule
