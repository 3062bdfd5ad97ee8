#include "tools/ctl/json_shape.h"

#include <gtest/gtest.h>

namespace grange::ctl {
namespace {

v1::Job FinishedJob() {
  v1::Job job;
  job.set_id(3);
  job.set_pipeline_id(2);
  job.set_name("test");
  job.set_stage("test");
  job.set_status("failed");
  job.set_attempt(1);
  job.set_agent("agent-1");
  job.set_started_ms(1714564800000);
  job.set_finished_ms(1714564804250);
  job.set_failure_reason("script_failure");
  job.set_exit_code(1);
  return job;
}

TEST(JsonShapeTest, AJobHasStableNamesInAFixedOrder) {
  const Json json = JobJson(FinishedJob());

  std::string names;
  for (const auto& [name, value] : json.items()) names += name + " ";
  EXPECT_EQ(names,
            "id name stage status attempt agent coverage duration failure_reason exit_code "
            "pipeline_id when allow_failure tags needs detail created_at queued_at started_at "
            "finished_at trace_bytes dropped_bytes interruptible timeout "
            "agent_unreachable_since note attempts_max cpu max_rss_bytes ");
  EXPECT_EQ(json["duration"], 4.25);
  EXPECT_EQ(json["finished_at"], "2024-05-01T12:00:04.250Z");
  EXPECT_EQ(json["created_at"], nullptr);
  EXPECT_EQ(json["coverage"], nullptr);
  EXPECT_EQ(json["needs"], nullptr);
}

TEST(JsonShapeTest, NeedsAreAListWhereTheJobHasSome) {
  v1::Job job = FinishedJob();
  job.set_has_needs(true);
  EXPECT_EQ(JobJson(job)["needs"], Json::array());
}

TEST(JsonShapeTest, ACommitHasItsCoverageOrNull) {
  v1::Commit commit;
  commit.set_sha("abc");
  EXPECT_EQ(CommitJson(commit)["coverage"], nullptr);
  EXPECT_EQ(CommitJson(commit)["duration"], nullptr);
  commit.set_has_coverage(true);
  commit.set_coverage(87);
  commit.set_has_duration(true);
  commit.set_duration_ms(1500);
  EXPECT_EQ(CommitJson(commit)["coverage"], 87.0);
  EXPECT_EQ(CommitJson(commit)["duration"], 1.5);
}

TEST(JsonShapeTest, AMaskedVariableHasNoValue) {
  v1::ProjectVariable variable;
  variable.set_name("KEY");
  variable.set_value("x");
  variable.set_masked(true);
  EXPECT_EQ(VariableJson(variable)["value"], nullptr);
}

}  // namespace
}  // namespace grange::ctl
