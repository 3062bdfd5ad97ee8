// Calls that last: Watch and Logs.
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/os/deadline.h"
#include "tests/coordinator/control/control_fixture.h"

namespace grange::control {
namespace {

class FollowCallsTest : public ControlFixture {
 protected:
  void SetUp() override {
    watchers_max_ = 1;
    ControlFixture::SetUp();
    if (IsSkipped()) return;
    const Submitted made = Submit({"test"});
    pipeline_ = made.pipeline;
    job_ = made.jobs[0].id;
    Run(made.Progress(0), 1);
  }
  // One `watch`, which has been told how the pipeline stands.
  struct Watching {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::WatchEvent>> reader;
    bool told = false;
  };
  std::unique_ptr<Watching> Watch() {
    auto watching = std::make_unique<Watching>();
    rpc::AddBearer(watching->context, admin_);
    v1::WatchRequest request;
    request.set_pipeline_id(pipeline_.value());
    watching->reader = stub_->Watch(&watching->context, request);
    v1::WatchEvent event;
    watching->told = watching->reader->Read(&event);
    return watching;
  }
  grpc::Status ReadLog() {
    grpc::ClientContext context;
    rpc::AddBearer(context, admin_);
    v1::LogsRequest request;
    request.set_job_id(job_.value());
    const auto reader = stub_->Logs(&context, request);
    v1::LogsPart part;
    while (reader->Read(&part)) {
    }
    return reader->Finish();
  }

  PipelineId pipeline_;
  JobId job_;
};

TEST_F(FollowCallsTest, OneMoreThanMayWatchIsRefusedSayingWhatToDo) {
  const std::unique_ptr<Watching> first = Watch();
  ASSERT_TRUE(first->told);
  const grpc::Status refused = ReadLog();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.error_message(),
            "too many watch already; end a watch or a logs -f, or try again later");
  first->context.TryCancel();
}

TEST_F(FollowCallsTest, W1AWatcherThatGoesMakesRoomAtOnce) {
  const std::unique_ptr<Watching> first = Watch();
  ASSERT_TRUE(first->told);
  first->context.TryCancel();
  // Nothing changes that would wake it up.
  const os::Deadline deadline(absl::Seconds(20));
  grpc::Status status = ReadLog();
  while (!status.ok() && !deadline.IsOver()) status = ReadLog();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(FollowCallsTest, AStoppingCoordinatorTellsItsWatchers) {
  const std::unique_ptr<Watching> first = Watch();
  ASSERT_TRUE(first->told);
  feed_.Close();
  v1::WatchEvent event;
  EXPECT_FALSE(first->reader->Read(&event));
  EXPECT_EQ(first->reader->Finish().error_message(), "the coordinator is stopping");
}

TEST_F(FollowCallsTest, StatesOfManyJobsComeTogether) {
  constexpr absl::Duration kTogether = absl::Milliseconds(50);
  const Submitted made = Submit(std::vector<std::string>(40, "test"));
  pipeline_ = made.pipeline;
  const std::unique_ptr<Watching> watching = Watch();
  ASSERT_TRUE(watching->told);

  const absl::Duration start = os::SinceBoot();
  for (const store::JobRow& job : made.jobs) {
    Run(job.progress, 1);
    feed_.Publish(pipeline_, {.pipeline = false, .jobs = {job.id}});
  }
  std::set<int64_t> running;
  int events = 0;
  v1::WatchEvent event;
  while (running.size() < made.jobs.size() && watching->reader->Read(&event)) {
    ++events;
    for (const v1::Job& job : event.jobs()) {
      if (job.status() == "running") running.insert(job.id());
    }
  }
  EXPECT_EQ(running.size(), made.jobs.size());
  // The first at once, and none sooner than so long after another.
  EXPECT_LE(events, 2 + (os::SinceBoot() - start) / kTogether);
  watching->context.TryCancel();
}

}  // namespace
}  // namespace grange::control
