#include "coordinator/server/disconnect_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace grange::server {
namespace {

using lifecycle::FailureReason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

pipeline::JobPlan Job(const std::string& name, const std::string& on_disconnect,
                      std::vector<FailureReason> retried_when = {}) {
  pipeline::JobPlan job;
  job.name = name;
  if (!on_disconnect.empty()) {
    job.variables = {{.name = "GRANGE_ON_DISCONNECT", .value = on_disconnect}};
  }
  job.retry.max = 1;
  job.retry.when = std::move(retried_when);
  return job;
}

TEST(DisconnectCheckTest, RefusesAValueThatIsNeitherKeepNorStop) {
  const DisconnectFindings findings = CheckDisconnect(
      "ci.yml", {Job("a", "Stop"), Job("b", "keep"), Job("c", "stop"), Job("d", "Stop")}, {});
  EXPECT_THAT(findings.errors,
              ElementsAre("ci.yml: jobs 'a', 'd': GRANGE_ON_DISCONNECT is 'Stop'; it takes keep or "
                          "stop"));
  EXPECT_THAT(findings.warnings, IsEmpty());
}

TEST(DisconnectCheckTest, WarnsOfARetryBesideAnAttemptThatGoesOn) {
  const std::vector<FailureReason> lost = {FailureReason::kAgentLost};
  const std::vector<pipeline::JobPlan> jobs = {
      Job("overlaps", "", lost), Job("keeps", "keep", lost), Job("stops", "stop", lost),
      Job("script only", "", {FailureReason::kScriptFailure}), Job("any reason", "")};
  EXPECT_THAT(CheckDisconnect("ci.yml", jobs, {}).warnings,
              ElementsAre(HasSubstr("ci.yml: jobs 'overlaps', 'keeps': retried when the agent is "
                                    "lost, while the lost attempt goes on")));
  EXPECT_THAT(CheckDisconnect("ci.yml", jobs, {{"on-disconnect", "stop"}}).warnings,
              ElementsAre(HasSubstr("job 'keeps'")));
}

}  // namespace
}  // namespace grange::server
