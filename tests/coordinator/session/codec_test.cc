#include "coordinator/session/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <set>
#include <string>

namespace grange::session {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Assignment AnAssignment() {
  v1::Assignment message;
  message.set_job_id(7);
  message.set_attempt(2);
  message.set_fence(9);
  return message;
}

v1::Hello AHello() {
  v1::Hello hello;
  hello.set_agent_id(3);
  hello.set_instance_id(std::string(16, 'i'));
  hello.set_session_counter(5);
  hello.set_protocol_min(1);
  hello.set_protocol_max(1);
  hello.mutable_capacity()->set_slots(2);
  hello.set_version("0.1.0");
  return hello;
}

v1::JobResult AResult() {
  v1::JobResult result;
  *result.mutable_assignment() = AnAssignment();
  result.set_reason(v1::FAILURE_REASON_SCRIPT_FAILURE);
  result.set_exit_code(3);
  result.set_trace_sha256(std::string(32, 's'));
  return result;
}

TEST(TextCodecTest, CutsBetweenCharacters) {
  EXPECT_EQ(FrontOf("aä", 3), "aä");
  EXPECT_EQ(FrontOf("aä", 2), "a");
  EXPECT_EQ(FrontOf("€€", 5), "€");
  EXPECT_EQ(FrontOf("€", 2), "");
  EXPECT_EQ(FrontOf("abc", 2), "ab");
}

TEST(AssignmentCodecTest, ComesBackAsItWas) {
  const absl::StatusOr<Assignment> assignment = FromProto(AnAssignment());
  ASSERT_TRUE(assignment.ok()) << assignment.status();
  EXPECT_EQ(*assignment, (Assignment{.job = JobId(7), .attempt = 2, .fence = Fence{9}}));
  v1::Assignment back;
  ToProto(*assignment, &back);
  EXPECT_EQ(back.SerializeAsString(), AnAssignment().SerializeAsString());
}

TEST(AssignmentCodecTest, RefusesWhatNoCoordinatorHasGiven) {
  struct {
    const char* name;
    int64_t job;
    int32_t attempt;
    uint64_t fence;
  } const cases[] = {
      {"empty", 0, 0, 0},
      {"no job", 0, 1, 1},
      {"negative job", -1, 1, 1},
      {"smallest job", std::numeric_limits<int64_t>::min(), 1, 1},
      {"job above 2^53", (int64_t{1} << 53) + 1, 1, 1},
      {"no attempt", 1, 0, 1},
      {"negative attempt", 1, -1, 1},
      {"absurd attempt", 1, std::numeric_limits<int32_t>::max(), 1},
      {"no fence", 1, 1, 0},
  };
  for (const auto& c : cases) {
    v1::Assignment message;
    message.set_job_id(c.job);
    message.set_attempt(c.attempt);
    message.set_fence(c.fence);
    EXPECT_TRUE(absl::IsInvalidArgument(FromProto(message).status())) << c.name;
  }
}

TEST(HelloCodecTest, GivesTheFacts) {
  v1::Hello hello = AHello();
  v1::JobReport* const report = hello.add_jobs();
  *report->mutable_assignment() = AnAssignment();
  report->set_phase(v1::JobReport::PHASE_RUNNING);

  const absl::StatusOr<HelloFacts> facts = FromProto(hello);

  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->agent, AgentId(3));
  EXPECT_EQ(facts->session_counter, 5u);
  EXPECT_EQ(facts->protocol, 1);
  EXPECT_EQ(facts->slots, 2);
  ASSERT_EQ(facts->jobs.size(), 1u);
  EXPECT_EQ(facts->jobs[0].phase, schedule::JobReport::Phase::kRunning);
}

TEST(HelloCodecTest, RefusesHostileOnes) {
  struct {
    const char* name;
    std::function<void(v1::Hello&)> change;
  } const cases[] = {
      {"no agent", [](v1::Hello& h) { h.clear_agent_id(); }},
      {"negative agent", [](v1::Hello& h) { h.set_agent_id(-5); }},
      {"agent above 2^53", [](v1::Hello& h) { h.set_agent_id((int64_t{1} << 53) + 1); }},
      {"no instance", [](v1::Hello& h) { h.clear_instance_id(); }},
      {"long instance", [](v1::Hello& h) { h.set_instance_id(std::string(1 << 20, 'x')); }},
      {"no capacity", [](v1::Hello& h) { h.clear_capacity(); }},
      {"negative slots", [](v1::Hello& h) { h.mutable_capacity()->set_slots(-1); }},
      {"absurd slots", [](v1::Hello& h) { h.mutable_capacity()->set_slots(kSlotsMax + 1); }},
      {"too many features",
       [](v1::Hello& h) {
         for (int i = 0; i <= kFeaturesMax; ++i) h.add_features("x");
       }},
      {"a feature without a name", [](v1::Hello& h) { h.add_features(""); }},
      {"a feature with a long name",
       [](v1::Hello& h) { h.add_features(std::string(kFeatureBytesMax + 1, 'x')); }},
      {"a feature that forges a line", [](v1::Hello& h) { h.add_features("a\n'b"); }},
      {"a job without an assignment",
       [](v1::Hello& h) { h.add_jobs()->set_phase(v1::JobReport::PHASE_RUNNING); }},
      {"a job without a phase",
       [](v1::Hello& h) { *h.add_jobs()->mutable_assignment() = AnAssignment(); }},
      {"a phase that nobody knows",
       [](v1::Hello& h) {
         v1::JobReport* const report = h.add_jobs();
         *report->mutable_assignment() = AnAssignment();
         report->set_phase(static_cast<v1::JobReport::Phase>(99));
       }},
      {"too many jobs",
       [](v1::Hello& h) {
         for (int i = 0; i <= kReportsMax; ++i) h.add_jobs();
       }},
  };
  for (const auto& c : cases) {
    v1::Hello hello = AHello();
    c.change(hello);
    EXPECT_TRUE(absl::IsInvalidArgument(FromProto(hello).status())) << c.name;
  }
}

TEST(HelloCodecTest, SaysWhoMustBeUpgraded) {
  v1::Hello newer = AHello();
  newer.set_protocol_min(kProtocolMax + 1);
  newer.set_protocol_max(kProtocolMax + 3);
  const absl::Status too_new = FromProto(newer).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(too_new));
  EXPECT_THAT(std::string(too_new.message()), HasSubstr("upgrade the coordinator"));

  v1::Hello older = AHello();
  older.set_protocol_min(0);
  older.set_protocol_max(0);
  const absl::Status too_old = FromProto(older).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(too_old));
  EXPECT_THAT(std::string(too_old.message()), HasSubstr("upgrade the agent"));
}

TEST(HelloCodecTest, ANewerAgentThatSpeaksOurProtocolTooIsWelcome) {
  v1::Hello hello = AHello();
  hello.set_protocol_max(kProtocolMax + 7);
  EXPECT_EQ(FromProto(hello)->protocol, kProtocolMax);
}

TEST(ResultCodecTest, GivesTheFacts) {
  v1::JobResult message = AResult();
  message.set_detail("killed 1 process");
  message.set_artifact_error("the disk is full");
  const absl::StatusOr<JobResult> result = FromProto(message);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->reason, lifecycle::FailureReason::kScriptFailure);
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->detail, "killed 1 process; the disk is full");
}

TEST(ResultCodecTest, NamesTheSignalAndWhatWasUsed) {
  v1::JobResult message = AResult();
  message.set_signal(9);
  message.set_detail("killed 1 process");
  message.set_cpu_ms(1500);
  message.set_max_rss_bytes(4096);
  EXPECT_EQ(FromProto(message)->detail, "killed by signal 9 (SIGKILL); killed 1 process");
  EXPECT_EQ(FromProto(message)->cpu, absl::Milliseconds(1500));
  EXPECT_EQ(FromProto(message)->max_rss_bytes, 4096u);
  message.set_signal(1'000'000);
  message.set_cpu_ms(-1);
  message.set_max_rss_bytes(-1);
  EXPECT_EQ(FromProto(message)->detail, "killed by signal 1000000; killed 1 process");
  EXPECT_EQ(FromProto(message)->cpu, absl::ZeroDuration());
  EXPECT_EQ(FromProto(message)->max_rss_bytes, 0u);
  message.set_reason(v1::FAILURE_REASON_TIMEOUT);  // then the signal was ours
  EXPECT_EQ(FromProto(message)->detail, "killed 1 process");
}

TEST(ResultCodecTest, RefusesHostileOnes) {
  struct {
    const char* name;
    std::function<void(v1::JobResult&)> change;
  } const cases[] = {
      {"no assignment", [](v1::JobResult& r) { r.clear_assignment(); }},
      {"no reason", [](v1::JobResult& r) { r.clear_reason(); }},
      {"a reason that nobody knows",
       [](v1::JobResult& r) { r.set_reason(static_cast<v1::FailureReason>(99)); }},
      {"a negative reason",
       [](v1::JobResult& r) { r.set_reason(static_cast<v1::FailureReason>(-1)); }},
      {"no hash", [](v1::JobResult& r) { r.clear_trace_sha256(); }},
      {"a short hash", [](v1::JobResult& r) { r.set_trace_sha256("short"); }},
      {"a long hash", [](v1::JobResult& r) { r.set_trace_sha256(std::string(33, 'x')); }},
  };
  for (const auto& c : cases) {
    v1::JobResult message = AResult();
    c.change(message);
    EXPECT_TRUE(absl::IsInvalidArgument(FromProto(message).status())) << c.name;
  }
}

TEST(ResultCodecTest, CutsTextsThatAreTooLong) {
  v1::JobResult message = AResult();
  message.set_detail(std::string(1 << 20, 'd'));
  message.set_artifact_id(std::string(1 << 20, 'a'));
  const absl::StatusOr<JobResult> result = FromProto(message);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LE(result->detail.size(), kDetailBytesMax);
  EXPECT_LE(result->artifact_id.size(), 128u);
}

TEST(ResultCodecTest, EveryReasonOfTheWireHasOneOfItsOwn) {
  std::set<lifecycle::FailureReason> seen;
  for (int number = 1; number < v1::FailureReason_ARRAYSIZE; ++number) {
    v1::JobResult message = AResult();
    message.set_reason(static_cast<v1::FailureReason>(number));
    const absl::StatusOr<JobResult> result = FromProto(message);
    ASSERT_TRUE(result.ok()) << number << ": " << result.status();
    EXPECT_TRUE(seen.insert(result->reason).second) << number;
  }
}

TEST(SpecCodecTest, NothingOfASpecIsLost) {
  JobSpec spec;
  spec.project = "portal";
  spec.project_id = ProjectId(4);
  spec.pipeline = PipelineId(5);
  spec.name = "test";
  spec.stage = "verify";
  spec.script = {"make", "make \xff test"};  // bytes, not text
  spec.after_script = {"make clean"};
  spec.variables = {{.name = "A", .value = "1", .file = true, .raw = false},
                    {.name = "B", .value = "$A", .file = false, .raw = true}};
  spec.sha = std::string(40, 'a');
  spec.ref_name = "v1";
  spec.is_tag = true;
  spec.strategy = JobSpec::Strategy::kNone;
  spec.depth = 3;
  spec.artifacts_in = {{.job = JobId(6),
                        .attempt = 2,
                        .job_name = "build",
                        .artifact_id = "id",
                        .size = 10,
                        .sha256 = "h"}};
  spec.artifacts_out = ArtifactTarget{
      .paths = {"out/"}, .exclude = {"*.o"}, .when = ArtifactTarget::When::kAlways, .name = "n"};
  spec.timeout = absl::Minutes(3);
  spec.after_script_timeout = absl::Seconds(4);
  spec.trace_limit_bytes = 99;
  spec.fail_at_trace_limit = true;
  spec.stop_on_disconnect = true;
  spec.tags = {"linux"};
  spec.memory_limit_bytes = 1 << 30;
  spec.pids_limit = 77;

  v1::JobSpec message;
  ToProto(spec, &message);

  EXPECT_EQ(message.project(), "portal");
  EXPECT_EQ(message.pipeline_id(), 5);
  EXPECT_THAT(message.script(), ElementsAre("make", "make \xff test"));
  EXPECT_THAT(message.after_script(), ElementsAre("make clean"));
  ASSERT_EQ(message.variables_size(), 2);
  EXPECT_TRUE(message.variables(0).file());
  EXPECT_TRUE(message.variables(1).raw());
  EXPECT_EQ(message.source().project_id(), 4);
  EXPECT_EQ(message.source().ref_name(), "v1");
  EXPECT_TRUE(message.source().is_tag());
  EXPECT_EQ(message.source().strategy(), v1::SourceSpec::STRATEGY_NONE);
  EXPECT_EQ(message.source().depth(), 3);
  ASSERT_EQ(message.artifacts_in_size(), 1);
  EXPECT_EQ(message.artifacts_in(0).job_id(), 6);
  EXPECT_EQ(message.artifacts_in(0).artifact_id(), "id");
  EXPECT_THAT(message.artifacts_out().paths(), ElementsAre("out/"));
  EXPECT_EQ(message.artifacts_out().when(), v1::ArtifactSpec::WHEN_ALWAYS);
  EXPECT_EQ(message.timeout_ms(), 180'000);
  EXPECT_EQ(message.after_script_timeout_ms(), 4'000);
  EXPECT_EQ(message.trace_limit_bytes(), 99u);
  EXPECT_TRUE(message.fail_at_trace_limit());
  EXPECT_EQ(message.on_disconnect(), v1::ON_DISCONNECT_STOP);
  EXPECT_THAT(message.tags(), ElementsAre("linux"));
  EXPECT_EQ(message.memory_limit_bytes(), 1u << 30);
  EXPECT_EQ(message.pids_limit(), 77u);
}

TEST(SpecCodecTest, SecretsAreMasked) {
  StartSecrets secrets;
  secrets.variables.push_back(
      {.name = "TOKEN", .value = Secret(std::string("hunter2")), .file = true});
  v1::JobStart message;
  ToProto(secrets, &message);
  ASSERT_EQ(message.secrets_size(), 1);
  EXPECT_EQ(message.secrets(0).name(), "TOKEN");
  EXPECT_EQ(message.secrets(0).value(), "hunter2");
  EXPECT_TRUE(message.secrets(0).file());
  EXPECT_TRUE(message.secrets(0).masked());
}

}  // namespace
}  // namespace grange::session
