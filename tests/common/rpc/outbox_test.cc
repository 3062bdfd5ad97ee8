#include "common/rpc/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "common/base/mutex.h"

namespace grange::rpc {
namespace {

using ::testing::ElementsAre;

// A stream whose sends end when the test says so.
class ManualStream final : public Outbox<std::string>::Stream {
 public:
  void StartSend(const std::string* message) override {
    EXPECT_EQ(finished_, 0) << "a send after the end";
    EXPECT_FALSE(sending_) << "sends overlap";
    sending_ = true;
    sent_.push_back(*message);
  }
  void FinishSending() override {
    EXPECT_FALSE(sending_) << "the end while a send is under way";
    ++finished_;
  }
  void EndSend(bool ok = true) {
    sending_ = false;
    outbox_.OnSent(ok);
  }

  Outbox<std::string>& outbox() { return outbox_; }
  const std::vector<std::string>& sent() const { return sent_; }
  int finished() const { return finished_; }

 private:
  Outbox<std::string> outbox_{this};
  bool sending_ = false;
  std::vector<std::string> sent_;
  int finished_ = 0;
};

TEST(OutboxTest, SendsOneAfterTheOtherInOrder) {
  ManualStream stream;
  for (const char* text : {"a", "b", "c"}) EXPECT_TRUE(stream.outbox().Post(text));
  EXPECT_THAT(stream.sent(), ElementsAre("a"));
  EXPECT_EQ(stream.outbox().waiting(), 3u);
  stream.EndSend();
  stream.EndSend();
  stream.EndSend();
  EXPECT_THAT(stream.sent(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(stream.outbox().waiting(), 0u);
  EXPECT_EQ(stream.finished(), 0);
}

TEST(OutboxTest, CloseSendsWhatWaitsAndEndsOnce) {
  ManualStream stream;
  stream.outbox().Post("a");
  stream.outbox().Post("b");
  stream.outbox().Close();
  stream.outbox().Close();
  EXPECT_FALSE(stream.outbox().Post("late"));
  stream.EndSend();
  EXPECT_EQ(stream.finished(), 0);
  stream.EndSend();
  EXPECT_THAT(stream.sent(), ElementsAre("a", "b"));
  EXPECT_EQ(stream.finished(), 1);
  stream.outbox().Close();
  stream.outbox().Abort();
  EXPECT_EQ(stream.finished(), 1);
}

TEST(OutboxTest, CloseOfAnIdleOneEndsAtOnce) {
  ManualStream stream;
  stream.outbox().Close();
  EXPECT_EQ(stream.finished(), 1);
}

TEST(OutboxTest, AbortDropsWhatWaitsButNotTheSendUnderWay) {
  ManualStream stream;
  stream.outbox().Post("a");
  stream.outbox().Post("b");
  stream.outbox().Abort();
  EXPECT_EQ(stream.finished(), 0);
  stream.EndSend();
  EXPECT_THAT(stream.sent(), ElementsAre("a"));
  EXPECT_EQ(stream.finished(), 1);
}

TEST(OutboxTest, AFailedSendEndsTheStream) {
  ManualStream stream;
  stream.outbox().Post("a");
  stream.outbox().Post("b");
  stream.EndSend(false);
  EXPECT_THAT(stream.sent(), ElementsAre("a"));
  EXPECT_EQ(stream.finished(), 1);
  EXPECT_FALSE(stream.outbox().Post("late"));
}

TEST(OutboxTest, RefusesMoreThanItsLimit) {
  ManualStream stream;
  stream.outbox().Post("under way");
  for (size_t i = 0; i < Outbox<std::string>::kMessagesMax; ++i) {
    ASSERT_TRUE(stream.outbox().Post("x")) << i;
  }
  EXPECT_FALSE(stream.outbox().Post("one too many"));
  stream.EndSend();
  EXPECT_TRUE(stream.outbox().Post("there is room again"));
}

// A stream whose sends are ended by a thread of its own, as gRPC does it.
class ThreadedStream final : public Outbox<int>::Stream {
 public:
  ThreadedStream() : thread_([this] { Serve(); }) {}
  ~ThreadedStream() override { thread_.join(); }

  void StartSend(const int* message) override {
    EXPECT_FALSE(busy_.exchange(true)) << "sends overlap";
    base::MutexLock lock(mu_);
    EXPECT_FALSE(finished_);
    sent_.push_back(*message);
    under_way_ = true;
    changed_.SignalAll();
  }
  void FinishSending() override {
    EXPECT_FALSE(busy_.exchange(true)) << "the end while a send is under way";
    base::MutexLock lock(mu_);
    EXPECT_FALSE(finished_) << "ended twice";
    finished_ = true;
    changed_.SignalAll();
  }
  void UntilFinished() {
    base::MutexLock lock(mu_);
    while (!finished_) ASSERT_FALSE(changed_.WaitWithTimeout(mu_, absl::Seconds(60)));
  }

  Outbox<int>& outbox() { return outbox_; }
  std::vector<int> sent() {
    base::MutexLock lock(mu_);
    return sent_;
  }

 private:
  void Serve() {
    while (true) {
      {
        base::MutexLock lock(mu_);
        while (!under_way_ && !finished_) changed_.Wait(mu_);
        if (!under_way_) return;
        under_way_ = false;
      }
      busy_ = false;
      outbox_.OnSent(true);
    }
  }

  base::Mutex mu_;
  base::CondVar changed_;
  bool under_way_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<int> sent_ ABSL_GUARDED_BY(mu_);
  std::atomic<bool> busy_ = false;
  Outbox<int> outbox_{this};
  std::thread thread_;
};

TEST(OutboxTest, ManyThreadsPostAndNothingOverlapsOrIsLost) {
  constexpr int kThreads = 4, kMessages = 2000;
  ThreadedStream stream;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&stream, t] {
      for (int i = 0; i < kMessages; ++i) EXPECT_TRUE(stream.outbox().Post(t * kMessages + i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  stream.outbox().Close();
  stream.UntilFinished();

  const std::vector<int> sent = stream.sent();
  EXPECT_EQ(sent.size(), static_cast<size_t>(kThreads * kMessages));
  std::vector<int> next(kThreads, 0);
  for (const int message : sent) {  // each thread's own in its order
    EXPECT_EQ(message % kMessages, next[static_cast<size_t>(message / kMessages)]++);
  }
}

TEST(OutboxTest, AnAbortAmongPostsEndsTheStreamOnce) {
  constexpr int kThreads = 4;
  for (int round = 0; round < 20; ++round) {
    ThreadedStream stream;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&stream] {
        for (int i = 0; i < 1000 && stream.outbox().Post(i); ++i) {
        }
        stream.outbox().Abort();
      });
    }
    for (std::thread& thread : threads) thread.join();
    stream.UntilFinished();
    EXPECT_FALSE(stream.outbox().Post(1));
  }
}

}  // namespace
}  // namespace grange::rpc
