#include "coordinator/trace/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace grange::trace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kKiB = 1 << 10;

struct Sender {};
using Queue = FairQueue<Sender, int, std::string>;

class FairQueueTest : public ::testing::Test {
 protected:
  std::vector<std::string> PopAll() {
    std::vector<std::string> items;
    while (!queue_.empty()) items.push_back(queue_.Pop().item);
    return items;
  }

  Queue queue_{{.bytes = 4096 * kKiB, .sender_bytes = 1024 * kKiB}};
  const std::shared_ptr<Sender> a_ = std::make_shared<Sender>();
  const std::shared_ptr<Sender> b_ = std::make_shared<Sender>();
};

TEST_F(FairQueueTest, SendersTakeTurnsOfAsManyBytes) {
  for (const char* item : {"a1", "a2", "a3"}) queue_.Push(a_, 1, 256 * kKiB, item);
  queue_.Push(b_, 2, 100 * kKiB, "b1");
  queue_.Push(b_, 2, 100 * kKiB, "b2");
  EXPECT_THAT(PopAll(), ElementsAre("a1", "b1", "b2", "a2", "a3"));
}

TEST_F(FairQueueTest, ASenderOfManyJobsHasNoMoreTurnsThanOneWithOne) {
  for (int job = 0; job < 4; ++job) queue_.Push(a_, job, 256 * kKiB, "a");
  queue_.Push(b_, 9, 1, "b");
  EXPECT_THAT(PopAll(), ElementsAre("a", "b", "a", "a", "a"));
}

TEST_F(FairQueueTest, WhoMayNotGoIsPassedOverAndKeepsWhatItHas) {
  queue_.Push(a_, 1, 10, "a1");
  queue_.Push(a_, 1, 10, "a2");
  queue_.Push(b_, 2, 10, "b1");
  const auto not_a = [this](const void* lane) { return lane != a_.get(); };
  const std::optional<Queue::Taken> taken = queue_.PopIf(not_a);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->item, "b1");
  EXPECT_FALSE(queue_.PopIf(not_a).has_value());
  EXPECT_THAT(PopAll(), ElementsAre("a1", "a2"));
}

TEST_F(FairQueueTest, ItemsWithoutBytesHaveTurnsThatEnd) {
  for (int i = 0; i < 1000; ++i) queue_.Push(a_, 1, 0, "a");
  queue_.Push(b_, 2, 0, "b");
  int before = 0;
  while (queue_.Pop().item != "b") ++before;
  EXPECT_LE(before, Queue::kTurnBytes / Queue::kItemBytes);
}

TEST_F(FairQueueTest, TheOrderWithinAKeyStandsWhoeverBringsTheItems) {
  queue_.Push(a_, 7, 256 * kKiB, "old session");
  queue_.Push(a_, 7, 256 * kKiB, "old session, too");
  queue_.Push(b_, 7, 0, "new session");
  queue_.Push(nullptr, 7, 0, "end");
  queue_.Push(b_, 8, 0, "another job");
  EXPECT_THAT(PopAll(),
              ElementsAre("old session", "another job", "old session, too", "new session", "end"));
}

TEST_F(FairQueueTest, ARoundIsOverWhenEveryoneHadATurn) {
  for (int i = 0; i < 2; ++i) queue_.Push(a_, 1, 256 * kKiB, "a");
  queue_.Push(b_, 2, 0, "b");
  const Queue::Taken first = queue_.Pop();
  EXPECT_FALSE(first.round_over);
  EXPECT_TRUE(first.more);
  EXPECT_TRUE(queue_.Pop().round_over);
  const Queue::Taken last = queue_.Pop();
  EXPECT_TRUE(last.round_over);
  EXPECT_FALSE(last.more);
  EXPECT_EQ(first.lane, last.lane);
}

TEST_F(FairQueueTest, ASenderIsStoppedAtItsPartAndGoesOnAtHalfOfIt) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue_.Push(a_, 1, 256 * kKiB, "a"));
  EXPECT_FALSE(queue_.Push(a_, 1, 256 * kKiB, "a"));
  EXPECT_TRUE(queue_.Push(b_, 2, 256 * kKiB, "b"));
  queue_.Pop();  // a
  queue_.Pop();  // b
  EXPECT_THAT(queue_.TakeDrained(), IsEmpty());
  queue_.Pop();
  EXPECT_THAT(queue_.TakeDrained(), ElementsAre(a_));
  EXPECT_THAT(queue_.TakeDrained(), IsEmpty());
}

TEST_F(FairQueueTest, TheFullestIsStoppedFirst) {
  Queue small({.bytes = 1024 * kKiB, .sender_bytes = 1024 * kKiB});
  EXPECT_TRUE(small.Push(a_, 1, 256 * kKiB, "a"));
  EXPECT_FALSE(small.Push(a_, 1, 256 * kKiB, "a"));  // as much as is left for all
  EXPECT_TRUE(small.Push(b_, 2, 100 * kKiB, "b"));
  EXPECT_TRUE(small.Push(b_, 2, 100 * kKiB, "b"));
  EXPECT_FALSE(small.Push(a_, 1, 1, "a"));
}

TEST_F(FairQueueTest, EveryoneGoesOnOnceAllIsTaken) {
  Queue small({.bytes = 256 * kKiB, .sender_bytes = 256 * kKiB});
  EXPECT_FALSE(small.Push(a_, 1, 256 * kKiB, "a"));
  EXPECT_FALSE(small.Push(b_, 2, 1, "b"));  // nothing is left
  while (!small.empty()) small.Pop();
  EXPECT_EQ(small.TakeDrained().size(), 2u);
  EXPECT_EQ(small.bytes(), 0u);
}

TEST_F(FairQueueTest, ASenderThatHasGoneIsNotNamed) {
  auto gone = std::make_shared<Sender>();
  EXPECT_FALSE(queue_.Push(gone, 1, 1024 * kKiB, "a"));
  gone.reset();
  queue_.Pop();
  EXPECT_THAT(queue_.TakeDrained(), IsEmpty());
}

}  // namespace
}  // namespace grange::trace
