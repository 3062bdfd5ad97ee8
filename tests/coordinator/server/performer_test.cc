// What the performer does when a job can't be handed out. The rest of it is tested with whole
// programs (tests/e2e).
#include "coordinator/server/performer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "common/base/notification.h"
#include "coordinator/pipeline/graph_json.h"
#include "tests/coordinator/session/hub_bench.h"

namespace grange::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A performer above a real store and a real hub, with one agent that has a session.
class PerformerTest : public ::testing::Test {
 protected:
  PerformerTest() : session_(bench_.Open(1)) {
    performer_.SetOnUnofferable([this](const Assignment& assignment, const absl::Status& why) {
      refused_ = assignment;
      why_ = std::string(why.message());
      refusal_.Notify();
    });
  }

  // A job with this script; its offer.
  schedule::SendOffer OfferOf(const std::string& script) {
    store::PipelineRow pipeline;
    pipeline.project = bench_.store().FindOrMakeProject("portal", {})->id;
    pipeline.commit.sha = std::string(40, 'a');
    pipeline.ref_name = "main";
    pipeline.source = "push";
    std::vector<store::JobRow> jobs(1);
    jobs[0].name = "build";
    pipeline::JobPlan plan;
    plan.name = "build";
    plan.script = {script};
    jobs[0].plan_json = pipeline::JobToJson(plan);
    std::optional<std::string> earlier;
    EXPECT_TRUE(bench_.store().CreatePipeline(pipeline, jobs, "", &earlier).ok());
    return {.agent = bench_.agent(),
            .session = session_->session()->id,
            .assignment = {jobs[0].id, 1, Fence{1}}};
  }
  // Returns when it has been carried out.
  void Perform(const schedule::Decision& decision) {
    base::Notification done;
    std::vector<Batch> batches;
    batches.push_back({.decisions = {decision},
                       .trace_end = std::nullopt,
                       .answer = {},
                       .done = [&done](const absl::Status&) { done.Notify(); }});
    performer_.Perform(std::move(batches));
    done.WaitForNotification();
  }

  session::HubBench bench_;
  std::shared_ptr<session::FakeSession> session_;
  PipelineBook book_{bench_.store()};
  control::ChangeFeed feed_;
  DiskReserve reserve_{bench_.dir()};
  Performer performer_{{.store = bench_.store(),
                        .traces = bench_.traces(),
                        .hub = bench_.hub(),
                        .book = book_,
                        .feed = feed_,
                        .clock = bench_.clock(),
                        .reserve = reserve_,
                        .server_url = [] { return "https://build.example.org"; }}};
  base::Notification refusal_;
  Assignment refused_;
  std::string why_;
};

TEST_F(PerformerTest, OffersAJobToItsAgent) {
  Perform(OfferOf("make"));
  ASSERT_THAT(session_->sent(), SizeIs(1));
  EXPECT_EQ(session_->sent()[0].offer().spec().script(0), "make");
  EXPECT_FALSE(refusal_.HasBeenNotified());
}

TEST_F(PerformerTest, W3AnAnswerIsStoredWithWhatItIsTheAnswerTo) {
  base::Notification done;
  std::vector<Batch> batches;
  batches.push_back({.decisions = {},
                     .trace_end = std::nullopt,
                     .answer = {"key", "job 5 runs again"},
                     .done = [&](const absl::Status&) { done.Notify(); }});
  performer_.Perform(std::move(batches));
  done.WaitForNotification();
  EXPECT_EQ(*bench_.store().FindAnswer("key"), "job 5 runs again");
}

TEST_F(PerformerTest, AJobThatIsTooLargeIsNotSentAndTheCoreHearsWhy) {
  const schedule::SendOffer offer = OfferOf(std::string(2 << 20, 'x'));
  Perform(offer);
  EXPECT_THAT(session_->sent(), IsEmpty());
  ASSERT_TRUE(refusal_.HasBeenNotified());
  EXPECT_EQ(refused_, offer.assignment);
  EXPECT_THAT(why_, HasSubstr("too large to be handed to an agent"));
}

TEST_F(PerformerTest, MaskedVariablesThatAreTooLargeTogetherAreNotSent) {
  const schedule::SendOffer offer = OfferOf("make");
  const ProjectId project = bench_.store().FindProject("portal")->id;
  for (int i = 0; i < 110; ++i) {
    ASSERT_TRUE(bench_.store()
                    .SetVariable(project, {.name = absl::StrCat("SECRET_", i),
                                           .value = Secret(std::string(10'000, 's')),
                                           .masked = true,
                                           .file = false})
                    .ok());
  }
  Perform(schedule::SendStart{offer.agent, offer.session, offer.assignment});
  EXPECT_THAT(session_->sent(), IsEmpty());
  ASSERT_TRUE(refusal_.HasBeenNotified());
  EXPECT_THAT(why_, HasSubstr("110 masked and file variables"));
}

TEST_F(PerformerTest, C4AFullDiskThatSomebodyElseMetIsToldToAllUntilThereIsSpaceAgain) {
  base::Notification full, has_space_again;
  std::string reason;
  performer_.SetOnReadOnly([&](const std::string& why) {
    if (why.empty()) return has_space_again.Notify();
    reason = why;
    EXPECT_FALSE(reserve_.whole());  // its space is for what must be recorded
    full.Notify();
  });
  reserve_.ReportFull(absl::ResourceExhaustedError("no space for lengths"));
  full.WaitForNotification();
  EXPECT_EQ(reason, "no space for lengths");
  has_space_again.WaitForNotification();
  EXPECT_EQ(performer_.read_only_reason(), "");
  EXPECT_TRUE(reserve_.whole());
}

}  // namespace
}  // namespace grange::server
