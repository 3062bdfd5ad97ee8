#include "coordinator/trace/trace_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <random>
#include <string>
#include <system_error>

#include "common/base/mutex.h"
#include "common/base/notification.h"
#include "coordinator/trace/trace_coverage.h"
#include "tests/coordinator/trace/trace_fixture.h"

namespace {

// How often the file of a trace was synced by this process.
class TraceSyncs {
 public:
  void Note(int fd) {
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
    if (path.extension() != ".trace") return;
    grange::base::MutexLock lock(mu_);
    ++count_;
    changed_.SignalAll();
  }
  int count() {
    grange::base::MutexLock lock(mu_);
    return count_;
  }
  bool WaitFor(int count) {
    grange::base::MutexLock lock(mu_);
    while (count_ < count) {
      if (changed_.WaitWithTimeout(mu_, absl::Seconds(30))) return count_ >= count;
    }
    return true;
  }

 private:
  grange::base::Mutex mu_;
  grange::base::CondVar changed_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
} trace_syncs;

}  // namespace

// The linker takes this one for the C library's.
extern "C" int fdatasync(int fd) {
  trace_syncs.Note(fd);
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}

namespace grange::trace {
namespace {

using ::testing::ElementsAre;

using TraceStoreTest = TraceFixture;

std::string SomeBytes(size_t size, uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

TEST_F(TraceStoreTest, AcknowledgesOnlyWhatTheDatabaseKnows) {
  Append(0, "hello ");
  Append(6, "world\n");
  ASSERT_TRUE(sender_->WaitForAck(12));
  EXPECT_EQ(Row().trace_bytes, 12u);
  EXPECT_EQ(*ReadAll(), "hello world\n");
}

TEST_F(TraceStoreTest, BytesThatCameBeforeAreDroppedAndOverlapsJoined) {
  Append(0, "abcdef");
  Append(0, "abcdef");
  Append(3, "defghi");
  ASSERT_TRUE(sender_->WaitForAck(9));
  EXPECT_EQ(*ReadAll(), "abcdefghi");
}

TEST_F(TraceStoreTest, AGapIsAnsweredOnceWithTheOffsetThatIsWanted) {
  Append(0, "abc");
  Append(100, "x");
  Append(101, "y");
  Append(3, "def");
  ASSERT_TRUE(sender_->WaitForAck(6));
  EXPECT_THAT(sender_->resumes(), ElementsAre(3));
  EXPECT_EQ(*ReadAll(), "abcdef");
}

TEST_F(TraceStoreTest, AHugeOffsetIsAGap) {
  Append(uint64_t{1} << 63, "x");
  ASSERT_TRUE(sender_->WaitForResumes(1));
  EXPECT_THAT(sender_->resumes(), ElementsAre(0));
}

TEST_F(TraceStoreTest, FinishSyncsAtOnceAndGivesTheHash) {
  options_.sync_every = options_.sync_soonest = absl::Hours(1);
  Restart();
  const std::string whole = SomeBytes(100'000);
  Append(0, absl::string_view(whole).substr(0, 50'000));
  Append(50'000, absl::string_view(whole).substr(50'000));

  const absl::StatusOr<TraceStore::End> end = Finish(whole).Wait();

  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->trace_bytes, whole.size());
  EXPECT_EQ(end->sha256, os::Sha256Of(whole));
  EXPECT_FALSE(end->damaged);
}

TEST_F(TraceStoreTest, OnlyTheFirstBytesAreSyncedBeforeTheirTime) {
  options_.sync_every = options_.sync_soonest = absl::Hours(1);
  Restart();
  const int before = trace_syncs.count();
  Append(0, "$ true\n");
  ASSERT_TRUE(trace_syncs.WaitFor(before + 1));
  EXPECT_EQ(sender_->acked(), 0u);

  Append(7, "a word\n");
  ASSERT_TRUE(Finish("$ true\na word\n").Wait().ok());
  EXPECT_EQ(trace_syncs.count(), before + 2);
}

TEST_F(TraceStoreTest, TheEndOfAShortTraceThatIsSyncedNeedsNoSync) {
  options_.sync_every = options_.sync_soonest = absl::Hours(1);
  Restart();
  const int before = trace_syncs.count();
  Append(0, "$ true\n");
  ASSERT_TRUE(trace_syncs.WaitFor(before + 1));

  ASSERT_TRUE(Finish("$ true\n").Wait().ok());

  EXPECT_EQ(trace_syncs.count(), before + 1);
}

TEST_F(TraceStoreTest, AChunkThatComesAloneIsAcknowledgedLongBeforeTheLatestSync) {
  options_.sync_every = absl::Hours(1);
  Restart();

  Append(0, "a line\n");

  EXPECT_TRUE(sender_->WaitForAck(7));
}

TEST_F(TraceStoreTest, FinishAsksForWhatIsMissingAndAnswersWhenItCame) {
  Append(0, "abc");
  FinishAnswer answer = Finish("abcdef");
  ASSERT_TRUE(sender_->WaitForResumes(1));
  EXPECT_THAT(sender_->resumes(), ElementsAre(3));
  EXPECT_FALSE(answer.has_come());

  Append(3, "def");

  EXPECT_TRUE(answer.Wait().ok());
}

TEST_F(TraceStoreTest, AnEmptyTraceFinishesWithoutAByte) {
  const auto end = Finish("").Wait();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->trace_bytes, 0u);
  EXPECT_FALSE(end->damaged);
  EXPECT_EQ(*ReadAll(), "");
}

TEST_F(TraceStoreTest, AHashThatDiffersIsAskedForAgainOnce) {
  Append(0, "abX");
  FinishAnswer answer = Finish("abc");
  ASSERT_TRUE(sender_->WaitForResumes(1));
  EXPECT_THAT(sender_->resumes(), ElementsAre(0));

  Append(0, "abc");

  const auto end = answer.Wait();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_FALSE(end->damaged);
  EXPECT_EQ(*ReadAll(), "abc");
}

TEST_F(TraceStoreTest, A4_WhatAMachineHasLostOfItsCopyIsKeptHere) {
  Append(0, "one\ntwo\n");
  ASSERT_TRUE(sender_->WaitForAck(8));

  const auto end = Finish("one\n").Wait();

  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_FALSE(end->damaged);
  EXPECT_EQ(end->trace_bytes, 8u);
  EXPECT_EQ(end->sha256, os::Sha256Of("one\ntwo\n"));
  EXPECT_EQ(*ReadAll(), "one\ntwo\n");
}

TEST_F(TraceStoreTest, AHashThatDiffersTwiceIsStoredAsDamaged) {
  Append(0, "abX");
  FinishAnswer answer = Finish("abc");
  ASSERT_TRUE(sender_->WaitForResumes(1));

  Append(0, "abY");

  const auto end = answer.Wait();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_TRUE(end->damaged);
  EXPECT_EQ(end->sha256, os::Sha256Of("abY"));
}

TEST_F(TraceStoreTest, ARepeatedFinishReplacesTheFirstAndIsAnsweredAgain) {
  Append(0, "abc");
  EXPECT_TRUE(Finish("abc").Wait().ok());
  EXPECT_TRUE(Finish("abc").Wait().ok());
  ASSERT_TRUE(CommitEnd({.trace_bytes = 3, .sha256 = os::Sha256Of("abc")}).ok());
  traces_->Complete(assignment_.job, 1);
  const auto late = Finish("abc").Wait();
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_EQ(late->sha256, os::Sha256Of("abc"));
}

TEST_F(TraceStoreTest, ACompleteTraceTakesNoMoreAndIsAcknowledged) {
  Append(0, "abc");
  const auto end = Finish("abc").Wait();
  ASSERT_TRUE(CommitEnd(*end).ok());
  traces_->Complete(assignment_.job, 1);
  Append(0, "abcdef");
  ASSERT_TRUE(sender_->WaitForAck(3));
  EXPECT_EQ(*ReadAll(), "abc");
}

TEST_F(TraceStoreTest, ALargeCompleteTraceIsCompressedAndReadAsBefore) {
  std::string whole;
  for (int i = 0; whole.size() < (1 << 20); ++i) absl::StrAppend(&whole, "line ", i, "\n");
  Append(0, whole);
  const auto end = Finish(whole).Wait();
  ASSERT_TRUE(end.ok()) << end.status();
  ASSERT_TRUE(CommitEnd(*end).ok());

  traces_->Complete(assignment_.job, 1);
  traces_.reset();  // may or may not have come to compress it
  OpenTraces();
  EXPECT_EQ(*ReadAll(), whole);
  EXPECT_EQ(traces_->Size(assignment_.job, 1), whole.size());
}

TEST_F(TraceStoreTest, AnAbandonedTraceKeepsWhatThereIs) {
  Append(0, "so far");
  FinishAnswer answer = Finish("so far and more");
  traces_->Abandon(assignment_.job, 1);
  EXPECT_EQ(answer.Wait().status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(*ReadAll(), "so far");
  EXPECT_TRUE(Row().trace_complete);
  EXPECT_EQ(Row().trace_sha256, os::Sha256Of("so far"));
  EXPECT_TRUE(rows_->OpenAttempts()->empty());
}

TEST_F(TraceStoreTest, C1ARestartCutsTheFileToWhatWasPromisedAndGoesOn) {
  Append(0, "promised");
  ASSERT_TRUE(sender_->WaitForAck(8));
  traces_.reset();
  const std::string path = FilePath();
  ASSERT_TRUE(os::WriteFile(path, "promised, and written but not promised").ok());

  Restart();

  EXPECT_EQ(traces_->Size(assignment_.job, 1), 8u);
  sender_ = std::make_shared<RecordingSender>();
  Append(20, "x");
  ASSERT_TRUE(sender_->WaitForResumes(1));
  EXPECT_THAT(sender_->resumes(), ElementsAre(8));
  Append(8, " and more");
  const auto end = Finish("promised and more").Wait();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_FALSE(end->damaged);  // the hash covers the bytes from before the restart
}

TEST_F(TraceStoreTest, AFileThatLostBytesIsAskedForThem) {
  Append(0, "promised");
  ASSERT_TRUE(sender_->WaitForAck(8));
  traces_.reset();
  ASSERT_EQ(::truncate(FilePath().c_str(), 4), 0);

  Restart();

  EXPECT_EQ(Row().trace_bytes, 4u);
  Append(8, "x");
  ASSERT_TRUE(sender_->WaitForResumes(1));
  EXPECT_EQ(sender_->resumes().back(), 4u);
}

TEST_F(TraceStoreTest, C5AFullDiskPausesTheTraceAndLosesNothing) {
  options_.retry_every = absl::Milliseconds(20);
  Restart();
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const std::string whole = SomeBytes(3 << 20);
  const rlimit small{.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);

  Append(0, absl::string_view(whole).substr(0, 900'000));
  ASSERT_TRUE(sender_->WaitForAck(900'000));  // else both may be one group, which fails as one
  Append(900'000, absl::string_view(whole).substr(900'000));
  ASSERT_TRUE(sender_->WaitForFailure());
  EXPECT_EQ(sender_->failures()[0].code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(traces_->Size(assignment_.job, 1), 900'000u);

  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_TRUE(sender_->WaitForResumes(1));
  EXPECT_EQ(sender_->resumes()[0], 900'000u);
  Append(900'000, absl::string_view(whole).substr(900'000));
  const auto end = Finish(whole).Wait();
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_FALSE(end->damaged);
}

// The database may be full for what the log itself has room for.
TEST_F(TraceStoreTest, C4LengthsThatCannotBeStoredAreReportedAndStoredLater) {
  base::Notification reported;
  absl::Status reason;
  options_.retry_every = absl::Milliseconds(20);
  options_.on_full = [&](const absl::Status& status) {
    if (reported.HasBeenNotified()) return;
    reason = status;
    reported.Notify();
  };
  Restart();
  MakeJob();  // the database's log has some bytes now
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const uint64_t database = std::filesystem::file_size(dir_ + "/grange.db-wal");
  ASSERT_GT(database, 1000u);
  const rlimit small{.rlim_cur = database, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);

  Append(0, "hello\n");
  reported.WaitForNotification();
  EXPECT_TRUE(absl::IsResourceExhausted(reason)) << reason;
  EXPECT_EQ(sender_->acked(), 0u);

  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(sender_->WaitForAck(6));
}

// Writing waits while it is held.
class HeldTraceStoreTest : public TraceFixture {
 protected:
  void SetUp() override {
    options_.may_write = [this] {
      base::MutexLock lock(mu_);
      waits_ = true;
      changed_.SignalAll();
      while (held_) changed_.Wait(mu_);
      return true;
    };
    TraceFixture::SetUp();
  }

  // All that is appended from now on waits behind one byte of a job of its own.
  void Hold() {
    held_job_ = MakeJob();
    {
      base::MutexLock lock(mu_);
      held_ = true;
      waits_ = false;
    }
    traces_->Append(held_job_, 0, "x", std::make_shared<RecordingSender>());
    base::MutexLock lock(mu_);
    while (!waits_) changed_.Wait(mu_);
  }
  void Release() {
    base::MutexLock lock(mu_);
    held_ = false;
    changed_.SignalAll();
  }

 private:
  Assignment held_job_;
  base::Mutex mu_;
  base::CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  bool waits_ ABSL_GUARDED_BY(mu_) = false;
};

TEST_F(HeldTraceStoreTest, ASenderWithMuchInTheQueueIsStoppedAndToldToGoOn) {
  options_.sender_bytes_max = 1 << 20;
  Restart();
  const std::string chunk = SomeBytes(256 << 10);
  const auto append = [&](uint64_t offset) {
    return traces_->Append(assignment_, offset, chunk, sender_);
  };
  Hold();
  EXPECT_TRUE(append(0));
  EXPECT_TRUE(append(256 << 10));
  EXPECT_TRUE(append(512 << 10));
  EXPECT_FALSE(append(768 << 10));
  Release();
  EXPECT_TRUE(sender_->WaitForDrained());
  EXPECT_TRUE(sender_->WaitForAck(1 << 20));  // nothing of it was refused
}

TEST_F(HeldTraceStoreTest, N12_WhoeverHasLittleToSayDoesNotWaitForAFlood) {
  constexpr uint64_t kChunk = 256 << 10, kChunks = 64;
  const std::string chunk = SomeBytes(kChunk);
  const Assignment other = MakeJob();
  Hold();
  for (uint64_t i = 0; i < kChunks; ++i) Append(i * kChunk, chunk);
  const auto quiet = std::make_shared<RecordingSender>();
  traces_->Append(other, 0, "done\n", quiet);
  std::atomic<uint64_t> flood_before = kChunks * kChunk;
  FinishAnswer answer;
  traces_->Finish(other, 5, os::Sha256Of("done\n"), quiet,
                  [&, taker = answer.Taker()](absl::StatusOr<TraceStore::End> end) mutable {
                    flood_before = traces_->Size(assignment_.job, 1);
                    taker(std::move(end));
                  });
  Release();

  ASSERT_TRUE(answer.Wait().ok());

  EXPECT_LE(flood_before, 2 * kChunk);  // a turn each
  EXPECT_TRUE(sender_->WaitForAck(kChunks * kChunk));
}

TEST_F(TraceStoreTest, WatchersHearOfGrowthAndOfTheEndUntilTheyGo) {
  std::atomic<int> calls = 0;
  base::Mutex mu;
  base::CondVar changed;
  const auto wait_for = [&](int count) {
    base::MutexLock lock(mu);
    while (calls < count) {
      if (changed.WaitWithTimeout(mu, absl::Seconds(30))) return false;
    }
    return true;
  };
  auto watch = traces_->Subscribe(assignment_.job, 1, [&] {
    base::MutexLock lock(mu);
    ++calls;
    changed.SignalAll();
  });
  Append(0, "abc");
  EXPECT_TRUE(wait_for(1));
  const auto end = Finish("abc").Wait();
  ASSERT_TRUE(CommitEnd(*end).ok());
  const int before_end = calls;
  traces_->Complete(assignment_.job, 1);
  EXPECT_TRUE(wait_for(before_end + 1));
  watch.reset();
  const int after = calls;
  Append(3, "more");
  ASSERT_TRUE(sender_->WaitForAck(3));
  EXPECT_EQ(calls, after);
}

TEST_F(TraceStoreTest, AnAttemptThatNobodyKnowsIsRefused) {
  assignment_.job = JobId(4711);
  Append(0, "abc");
  ASSERT_TRUE(sender_->WaitForFailure());
  EXPECT_EQ(sender_->failures()[0].code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(traces_->Read(JobId(4711), 1, 0, 10).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(TraceStoreTest, CoverageOfALargeTraceIsThatOfItsWholeText) {
  const std::string filler = "[ 12%] Building a file of the project\n";
  std::string whole = "TOTAL 55%\n";
  for (int i = 0; whole.size() < (700 << 10); ++i) whole += filler;
  whole += std::string(300 << 10, '7') + "\n";  // a line longer than a block
  const CoveragePattern pattern = *CoveragePattern::Compile(R"(TOTAL (\d+)%)");
  Append(0, whole);
  ASSERT_TRUE(sender_->WaitForAck(whole.size()));
  const auto found = FindCoverage(*traces_, assignment_.job, 1, pattern);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(*found, 55);
  EXPECT_EQ(*found, pattern.Find(whole));
}

}  // namespace
}  // namespace grange::trace
