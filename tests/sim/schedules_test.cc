// Two schedules of docs/formats/agent-protocol.md §14 that chance does not find: each is played
// once with the code as it is and once with the mistake that it is about.
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sim/fake_agent.h"
#include "tests/sim/hub.h"

namespace grange::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kSilence = absl::Seconds(30);
constexpr absl::Duration kLostAfter = absl::Minutes(5);
constexpr JobId kJob(100);

// A coordinator, two agents on machines of their own, the second with more slots, and one job that
// is to stop on disconnect and is tried once more when its agent is lost or has forgotten it.
// Nothing moves by itself.
class Stage {
 public:
  explicit Stage(Planted planted)
      : store_(witness_),
        hub_(
            store_, witness_, planted, kLostAfter, [](Fault) { return false; }, nullptr),
        first(AgentId(1), 1, first_machine_, planted, [](Fault) { return false; }),
        second(AgentId(2), 2, second_machine_, planted, [](Fault) { return false; }) {
    for (const FakeAgent* agent : {&first, &second}) {
      store_.AddAgent({.id = agent->id(), .name = agent->id().ToString(), .slots = agent->slots()});
    }
    hub_.Start(now);
    first.Start(false);
    second.Start(false);
  }

  void Submit() {
    schedule::PipelineAdded pipeline;
    pipeline.id = PipelineId(50);
    pipeline.stages = {"build"};
    schedule::JobNode job;
    job.id = kJob;
    job.name = "build";
    job.stop_on_disconnect = true;
    job.retry.max = 1;
    job.retry.when = {lifecycle::FailureReason::kAgentLost, lifecycle::FailureReason::kAgentForgot};
    pipeline.jobs = {job};
    store_.AddPipeline(pipeline);
    hub_.Apply(pipeline, now);
    hub_.Commit();
  }
  std::unique_ptr<Connection> Connect(FakeAgent& agent) {
    auto connection = std::make_unique<Connection>();
    agent.Connect(*connection, now);
    return connection;
  }
  // What the agent has sent arrives, and what follows from it is committed and on its way back.
  void ReachHub(Connection& connection) {
    while (!connection.control_to_hub.empty()) {
      const ToHub message = connection.control_to_hub.front();
      connection.control_to_hub.pop_front();
      hub_.Handle(connection, message, now);
      hub_.Commit();
    }
  }
  // The agent reads what has arrived.
  void ReachAgent(FakeAgent& agent, Connection& connection) {
    while (!connection.control_to_agent.empty()) {
      const ToAgent message = connection.control_to_agent.front();
      connection.control_to_agent.pop_front();
      agent.Handle(message, now);
    }
  }
  std::unique_ptr<Connection> ConnectAndRun(FakeAgent& agent) {
    std::unique_ptr<Connection> connection = Connect(agent);
    Run(agent, *connection);
    return connection;
  }
  // The agent is offered, accepts and starts whatever there is for it.
  void Run(FakeAgent& agent, Connection& connection) {
    for (int round = 0; round < 4; ++round) {
      ReachHub(connection);
      ReachAgent(agent, connection);
    }
    Work(agent);
    ReachHub(connection);
  }
  // Everything that the agent can do by itself now.
  void Work(FakeAgent& agent) {
    for (int i = 0; i < 50; ++i) agent.Work(now, dice_);
  }
  void Pass(absl::Duration time) {
    const absl::Time end = now + time;
    while (hub_.up() && hub_.scheduler().NextDeadline() <= end) {
      now = std::max(now, hub_.scheduler().NextDeadline());
      hub_.Apply(schedule::Tick{}, now);
      hub_.Commit();
    }
    now = end;
    first_machine_.CheckLeases(now);
    second_machine_.CheckLeases(now);
  }
  void SessionEnds(Connection& connection) {
    hub_.SessionEnds(connection, now);
    hub_.Commit();
  }
  void RestartHub() {
    hub_.Crash();
    hub_.Start(now);
    hub_.Commit();
  }

  AttemptNumber attempt() const { return store_.jobs().at(kJob).attempt; }
  AgentId holder() const { return store_.jobs().at(kJob).agent; }
  int scripts() const { return witness_.tally().scripts; }
  const std::string& violation() const { return witness_.violation(); }

 private:
  Witness witness_;
  Dice dice_{1};
  FakeStore store_;
  Hub hub_;
  Machine first_machine_{witness_, dice_};
  Machine second_machine_{witness_, dice_};

 public:
  FakeAgent first, second;
  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
};

// The first agent's process is stopped while the answer to its heartbeat and a start wait in its
// socket. The job is lost, and runs on the second agent, when the first one goes on.
void PlayAnAckThatIsReadLate(Stage& stage) {
  const std::unique_ptr<Connection> first = stage.Connect(stage.first);
  stage.ReachHub(*first);
  stage.ReachAgent(stage.first, *first);
  stage.Submit();
  stage.ReachAgent(stage.first, *first);  // the offer
  stage.ReachHub(*first);                 // accepted, granted: the start is on its way
  const absl::Time sent = stage.now;      // a heartbeat; its answer is on its way, too
  stage.Pass(kSilence);
  stage.SessionEnds(*first);
  stage.Pass(kLostAfter);
  ASSERT_EQ(stage.attempt(), 2);
  const std::unique_ptr<Connection> second = stage.ConnectAndRun(stage.second);
  ASSERT_EQ(stage.holder(), stage.second.id());
  ASSERT_EQ(stage.scripts(), 1);

  stage.first.Acknowledged(sent, stage.now);  // it goes on, and reads what has arrived
  stage.ReachAgent(stage.first, *first);
  stage.Work(stage.first);
}

TEST(SchedulesTest, AStartThatIsReadLateIsNotFollowedWithoutALease) {
  Stage stage(Planted::kNothing);
  PlayAnAckThatIsReadLate(stage);
  EXPECT_THAT(stage.violation(), IsEmpty());
  EXPECT_EQ(stage.scripts(), 1);
}

TEST(SchedulesTest, ALeaseThatIsCountedFromTheAcksArrivalBreaksP4) {
  Stage stage(Planted::kLeaseFromAckArrival);
  PlayAnAckThatIsReadLate(stage);
  EXPECT_THAT(stage.violation(), HasSubstr("P4: attempts"));
}

// A Hello of a connection that was given up arrives after the coordinator was restarted, while the
// job, of which it knows nothing, runs.
void PlayAHelloThatArrivesLate(Stage& stage) {
  const std::unique_ptr<Connection> given_up = stage.Connect(stage.first);
  stage.first.Disconnect();
  stage.Submit();
  const std::unique_ptr<Connection> first = stage.ConnectAndRun(stage.first);
  ASSERT_EQ(stage.scripts(), 1);
  stage.first.Acknowledged(stage.now, stage.now);
  stage.RestartHub();
  const std::unique_ptr<Connection> second = stage.ConnectAndRun(stage.second);
  stage.ReachHub(*given_up);
  stage.Run(stage.second, *second);
}

TEST(SchedulesTest, N6AHelloThatArrivesLateChangesNothing) {
  Stage stage(Planted::kNothing);
  PlayAHelloThatArrivesLate(stage);
  EXPECT_THAT(stage.violation(), IsEmpty());
  EXPECT_EQ(stage.attempt(), 1);
}

TEST(SchedulesTest, N6ACounterInMemoryOnlyBreaksP4) {
  Stage stage(Planted::kCounterInMemoryOnly);
  PlayAHelloThatArrivesLate(stage);
  EXPECT_THAT(stage.violation(), HasSubstr("P4: attempts"));
}

}  // namespace
}  // namespace grange::sim
