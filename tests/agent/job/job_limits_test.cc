#include "agent/job/job_limits.h"

#include "gtest/gtest.h"

namespace grange::job {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(PlanLimitsTest, SaysNothingWithoutLimits) {
  const LimitPlan plan = PlanLimits({}, {}, "no cgroups", "no cgroups");
  EXPECT_FALSE(plan.limits.any());
  EXPECT_EQ(plan.text, "");
}

TEST(PlanLimitsTest, AJobHasTheAgentsLimitsOrLowerOnesOfItsOwn) {
  const exec::JobLimits most = {.memory_bytes = 512 * kMiB, .pids = 100};
  EXPECT_EQ(PlanLimits({}, most, "", "").limits, most);
  const LimitPlan plan = PlanLimits({.memory_bytes = 64 * kMiB, .pids = 20}, most, "", "");
  EXPECT_EQ(plan.limits, (exec::JobLimits{.memory_bytes = 64 * kMiB, .pids = 20}));
  EXPECT_EQ(plan.text, "Limits: 64 MiB of memory, 20 processes and threads\n");
}

TEST(PlanLimitsTest, AJobNeverGetsMoreThanTheAgentGives) {
  const LimitPlan plan =
      PlanLimits({.memory_bytes = 1024 * kMiB}, {.memory_bytes = 512 * kMiB}, "", "");
  EXPECT_EQ(plan.limits.memory_bytes, 512 * kMiB);
  EXPECT_EQ(plan.text,
            "Limits: 512 MiB of memory\n"
            "WARNING: this job asks for 1 GiB of memory; this agent gives a job 512 MiB of "
            "memory\n");
}

TEST(PlanLimitsTest, J8_ALimitThatTheMachineCannotKeepIsSaid) {
  const LimitPlan plan = PlanLimits({.pids = 20}, {.memory_bytes = kMiB}, "", "no controller");
  EXPECT_EQ(plan.limits, (exec::JobLimits{.memory_bytes = kMiB, .pids = 0}));
  EXPECT_EQ(plan.text,
            "Limits: 1 MiB of memory\n"
            "WARNING: this job runs without its limit of 20 processes and threads: no "
            "controller\n");
}

}  // namespace
}  // namespace grange::job
