#include "common/os/event_loop.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <thread>
#include <vector>

namespace grange::os {
namespace {

using ::testing::ElementsAre;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    read_end.Reset(ends[0]);
    write_end.Reset(ends[1]);
  }
  void Say() const { EXPECT_EQ(write(write_end.get(), "x", 1), 1); }
  UniqueFd read_end, write_end;
};

TEST(EventLoopTest, RunsTasksInTheOrderOfPosting) {
  EventLoop loop;
  std::vector<int> ran;
  for (int i = 0; i < 3; ++i) loop.Post([&ran, i] { ran.push_back(i); });
  loop.Post([&loop] { loop.Stop(); });
  loop.Run();
  EXPECT_THAT(ran, ElementsAre(0, 1, 2));
}

TEST(EventLoopTest, ATaskMayPostAnother) {
  EventLoop loop;
  std::vector<int> ran;
  loop.Post([&] {
    loop.Post([&] {
      ran.push_back(2);
      loop.Stop();
    });
    ran.push_back(1);
  });
  loop.Run();
  EXPECT_THAT(ran, ElementsAre(1, 2));
}

TEST(EventLoopTest, TasksPostedBeforeStopStillRun) {
  EventLoop loop;
  bool ran = false;
  loop.Stop();
  loop.Post([&ran] { ran = true; });
  loop.Run();
  EXPECT_TRUE(ran);
}

TEST(EventLoopTest, TakesTasksOfManyThreadsAndEachOnesInOrder) {
  constexpr int kThreads = 4, kTasks = 1000;
  EventLoop loop;
  std::vector<std::vector<int>> ran(kThreads);
  int left = kThreads * kTasks;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) {
        loop.Post([&, t, i] {
          ran[static_cast<size_t>(t)].push_back(i);
          if (--left == 0) loop.Stop();
        });
      }
    });
  }
  loop.Run();
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<int>& order : ran) {
    ASSERT_EQ(order.size(), static_cast<size_t>(kTasks));
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  }
}

TEST(EventLoopTest, CallsBackForADescriptorAsLongAsItIsReady) {
  EventLoop loop;
  const Pipe pipe;
  int calls = 0;
  loop.Watch(pipe.read_end.get(), EPOLLIN, [&](uint32_t events) {
    EXPECT_EQ(events, uint32_t{EPOLLIN});
    if (++calls == 3) loop.Stop();  // nothing was read: level-triggered
  });
  pipe.Say();
  loop.Run();
  EXPECT_EQ(calls, 3);
}

TEST(EventLoopTest, ACallbackMayUnwatchItselfAndOthersOfTheSameRound) {
  EventLoop loop;
  const Pipe one, two;
  int calls = 0;
  for (const Pipe* pipe : {&one, &two}) {
    pipe->Say();
    loop.Watch(pipe->read_end.get(), EPOLLIN, [&](uint32_t) {
      ++calls;
      loop.Unwatch(one.read_end.get());
      loop.Unwatch(two.read_end.get());
      loop.Stop();
    });
  }
  loop.Run();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoopTest, RewatchAsksForOtherEvents) {
  EventLoop loop;
  const Pipe pipe;
  uint32_t seen = 0;
  loop.Watch(pipe.write_end.get(), 0, [&](uint32_t events) {
    seen = events;
    loop.Stop();
  });
  loop.Rewatch(pipe.write_end.get(), EPOLLOUT);
  loop.Run();
  EXPECT_EQ(seen, uint32_t{EPOLLOUT});
}

TEST(EventLoopTest, TimersFireInTheOrderOfTheirTimes) {
  EventLoop loop;
  std::vector<int> fired;
  loop.After(absl::Milliseconds(20), [&] {
    fired.push_back(2);
    loop.Stop();
  });
  loop.After(absl::Milliseconds(1), [&] { fired.push_back(1); });
  loop.After(-absl::Hours(1), [&] { fired.push_back(0); });
  loop.Run();
  EXPECT_THAT(fired, ElementsAre(0, 1, 2));
}

TEST(EventLoopTest, ACanceledTimerDoesNotFire) {
  EventLoop loop;
  bool fired = false;
  const EventLoop::TimerId timer = loop.After(absl::ZeroDuration(), [&] { fired = true; });
  loop.Cancel(timer);
  loop.After(absl::Milliseconds(1), [&] { loop.Stop(); });
  loop.Run();
  EXPECT_FALSE(fired);
  loop.Cancel(timer);  // again is fine
}

TEST(EventLoopTest, ATimerMayCancelAnotherThatIsDueAndItself) {
  EventLoop loop;
  bool fired = false;
  EventLoop::TimerId first = 0, second = 0;
  first = loop.After(absl::ZeroDuration(), [&] {
    loop.Cancel(first);
    loop.Cancel(second);
    loop.After(absl::ZeroDuration(), [&] { loop.Stop(); });
  });
  second = loop.After(absl::ZeroDuration(), [&] { fired = true; });
  loop.Run();
  EXPECT_FALSE(fired);
}

TEST(EventLoopTest, AnEndlessDelayIsNoOverflow) {
  EventLoop loop;
  loop.After(absl::InfiniteDuration(), [] { FAIL(); });
  loop.After(absl::ZeroDuration(), [&loop] { loop.Stop(); });
  loop.Run();
}

}  // namespace
}  // namespace grange::os
