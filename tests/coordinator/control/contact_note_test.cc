#include "coordinator/control/contact_note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/control/convert.h"
#include "tests/coordinator/control/fake_backend.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::control {
namespace {

using lifecycle::FailureReason;
using lifecycle::JobState;
using schedule::Phase;

class ContactNoteTest : public store::StoreFixture {
 protected:
  v1::Job Shown(JobId id) {
    const store::JobRow row = store().GetJob(id).value();
    v1::Job message;
    ToProto(row, &message);
    message.set_attempts_max(3);  // what the plan says
    AddContact(backend(), store(), row, &message);
    return message;
  }
  FakeBackend& backend() {
    if (backend_ == nullptr) backend_ = std::make_unique<FakeBackend>(store());
    return *backend_;
  }

 private:
  std::unique_ptr<FakeBackend> backend_;
};

TEST_F(ContactNoteTest, N1AJobOnAnAgentThatIsAwaySaysSinceWhen) {
  const Submitted made = Submit({"test"});
  const schedule::StoreJob job = Run(made.Progress(0), 1);
  EXPECT_EQ(Shown(job.id).agent_unreachable_since_ms(), 0);
  backend().away_since = absl::FromUnixMillis(1'750'000'000'123);
  EXPECT_EQ(Shown(job.id).agent_unreachable_since_ms(), 1'750'000'000'123);
  EXPECT_FALSE(Shown(job.id).stops_on_disconnect());
  backend().stops = true;
  EXPECT_TRUE(Shown(job.id).stops_on_disconnect());
}

TEST_F(ContactNoteTest, ARunningJobSaysWhatItsAgentDoes) {
  const Submitted made = Submit({"test"});
  backend().note = "fetching sources";
  EXPECT_EQ(Shown(made.jobs[0].id).note(), "") << "it doesn't run";
  const schedule::StoreJob job = Run(made.Progress(0), 1);
  EXPECT_EQ(Shown(job.id).note(), "fetching sources");
  backend().away_since = absl::FromUnixMillis(1234);
  EXPECT_EQ(Shown(job.id).note(), "") << "nobody knows";
}

TEST_F(ContactNoteTest, N2AJobThatWaitsAgainSaysThatItWasLostAndHowOftenItIsTried) {
  const Submitted made = Submit({"test"});
  schedule::StoreJob job = Run(made.Progress(0), 1);
  job.phase = Phase::kNone;
  job.state = JobState::kFailed;
  job.reason = FailureReason::kAgentLost;
  job.detail = "lost: no contact for 5 min; agent 'build-1' was last connected at 12:04";
  ASSERT_TRUE(CommitRow(job).ok());
  job.attempt = 2;
  job.automatic_retries = 1;
  job.state = JobState::kPending;
  job.detail.clear();
  ASSERT_TRUE(CommitRow(job).ok());
  EXPECT_EQ(Shown(job.id).note(), "lost: no contact for 5 min, attempt 2 of 3 queued");
}

TEST_F(ContactNoteTest, AJobThatIsTriedAgainForItsScriptHasNoNote) {
  const Submitted made = Submit({"test"});
  schedule::StoreJob job = Run(made.Progress(0), 1);
  job.phase = Phase::kNone;
  job.state = JobState::kPending;
  job.reason = FailureReason::kScriptFailure;
  ASSERT_TRUE(CommitRow(job).ok());
  job.attempt = 2;
  ASSERT_TRUE(CommitRow(job).ok());
  EXPECT_EQ(Shown(job.id).note(), "");
}

TEST_F(ContactNoteTest, N1APipelineWithAJobOnAnAgentThatIsAwaySaysSinceWhen) {
  const Submitted made = Submit({"test"});
  v1::ListPipelinesReply reply;
  v1::Pipeline& pipeline = *reply.add_pipelines();
  pipeline.set_id(made.pipeline.value());
  pipeline.set_status("running");
  backend().agents = {{.id = AgentId(1), .connected = false, .jobs = {made.jobs[0].id}}};
  backend().away_since = absl::FromUnixMillis(1234);
  AddContact(backend(), store(), &reply);
  EXPECT_EQ(pipeline.agent_unreachable_since_ms(), 1234);
}

}  // namespace
}  // namespace grange::control
