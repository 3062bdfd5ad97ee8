#include "agent/trace/trace_sender.h"

#include <string>
#include <vector>

#include "common/base/crc32c.h"
#include "common/os/files.h"
#include "gtest/gtest.h"

namespace grange::trace {
namespace {

constexpr Assignment kJob{JobId(1), 1, Fence{10}};
constexpr Assignment kOther{JobId(2), 1, Fence{11}};

Assignment Of(const v1::Assignment& message) {
  return {JobId(message.job_id()), message.attempt(), Fence{message.fence()}};
}

// A stream that keeps what is written to it; the test says when a write is done.
class FakeStream : public TraceWriter {
 public:
  void Write(std::shared_ptr<const v1::TraceMsg> message) override {
    EXPECT_EQ(in_flight_, nullptr) << "two writes at once";
    in_flight_ = std::move(message);
  }
  // Completes the write that is under way, and all that follow from it.
  void Drain(TraceSender& sender) {
    while (in_flight_ != nullptr) {
      sent_.push_back(*std::exchange(in_flight_, nullptr));
      sender.OnWritten();
    }
  }
  bool writing() const { return in_flight_ != nullptr; }

  std::vector<v1::TraceChunk> Chunks(const Assignment& of) const {
    std::vector<v1::TraceChunk> chunks;
    for (const v1::TraceMsg& message : sent_) {
      if (message.has_chunk() && Of(message.chunk().assignment()) == of) {
        chunks.push_back(message.chunk());
      }
    }
    return chunks;
  }
  std::string Bytes(const Assignment& of) const {
    std::string bytes;
    for (const v1::TraceChunk& chunk : Chunks(of)) {
      bytes.resize(chunk.offset());  // sent again from there
      bytes += chunk.data();
    }
    return bytes;
  }
  const std::vector<v1::TraceMsg>& sent() const { return sent_; }
  void Clear() { sent_.clear(); }

 private:
  std::shared_ptr<const v1::TraceMsg> in_flight_;
  std::vector<v1::TraceMsg> sent_;
};

class TraceSenderTest : public testing::Test {
 protected:
  TraceSenderTest() : dir_(os::MakeTempDir("grange-trace").value()), sender_(loop_) {}
  ~TraceSenderTest() override { os::RemoveTree(dir_).IgnoreError(); }

  std::string Log(const Assignment& of) const { return dir_ + "/log" + of.ToString().substr(4, 1); }
  void Append(const Assignment& of, const std::string& bytes) {
    content_[of] += bytes;
    ASSERT_TRUE(os::WriteFile(Log(of), content_[of]).ok());
    sender_.Grown(of);
  }
  void Connect(TraceLimits limits = {}) {
    sender_.Connected(stream_, "the session", limits);
    stream_.Drain(sender_);
  }

  os::EventLoop loop_;
  const std::string dir_;
  TraceSender sender_;
  FakeStream stream_;
  std::map<Assignment, std::string> content_;
};

TEST_F(TraceSenderTest, NamesTheSessionFirst) {
  Connect();
  ASSERT_EQ(stream_.sent().size(), 1u);
  EXPECT_EQ(stream_.sent()[0].session_id(), "the session");
}

TEST_F(TraceSenderTest, SendsTheFirstBytesAtOnceWithTheirChecksum) {
  Connect();
  sender_.Open(kJob, Log(kJob), 0);
  Append(kJob, "hello\n");
  stream_.Drain(sender_);
  const std::vector<v1::TraceChunk> chunks = stream_.Chunks(kJob);
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(chunks[0].offset(), 0u);
  EXPECT_EQ(chunks[0].data(), "hello\n");
  EXPECT_EQ(chunks[0].crc32c(), Crc32c("hello\n"));
  EXPECT_EQ(chunks[0].assignment().fence(), 10u);
}

TEST_F(TraceSenderTest, GathersWhileSomethingIsUnacknowledged) {
  Connect();
  sender_.Open(kJob, Log(kJob), 0);
  Append(kJob, "one");
  stream_.Drain(sender_);
  Append(kJob, "two");
  Append(kJob, "three");
  EXPECT_FALSE(stream_.writing());
  sender_.OnAck(kJob, 3);
  stream_.Drain(sender_);
  EXPECT_EQ(stream_.Chunks(kJob).size(), 2u);
  EXPECT_EQ(stream_.Bytes(kJob), "onetwothree");
}

TEST_F(TraceSenderTest, SendsGatheredBytesAfterAMomentWithoutAnAcknowledgement) {
  Connect({.gather = absl::Milliseconds(1)});
  sender_.Open(kJob, Log(kJob), 0);
  Append(kJob, "one");
  stream_.Drain(sender_);
  Append(kJob, "two");
  loop_.After(absl::Milliseconds(20), [this] { loop_.Stop(); });
  loop_.Run();
  stream_.Drain(sender_);
  EXPECT_EQ(stream_.Bytes(kJob), "onetwo");
}

TEST_F(TraceSenderTest, SendsTheRestAtOnceWhenTheJobHasEnded) {
  Connect();
  sender_.Open(kJob, Log(kJob), 0);
  Append(kJob, "one");
  stream_.Drain(sender_);
  Append(kJob, "two");
  int sent = 0;
  sender_.Ended(kJob, 6, [&] { ++sent; });
  stream_.Drain(sender_);
  EXPECT_EQ(stream_.Bytes(kJob), "onetwo");
  EXPECT_GE(sent, 1);
}

TEST_F(TraceSenderTest, CutsChunksAndStopsAtTheWindow) {
  Connect({.unacked_bytes_job = 40, .unacked_bytes_agent = 1000, .chunk_bytes = 10});
  sender_.Open(kJob, Log(kJob), 0);
  Append(kJob, std::string(95, 'x'));
  stream_.Drain(sender_);
  EXPECT_EQ(stream_.Chunks(kJob).size(), 4u);
  sender_.OnAck(kJob, 20);
  stream_.Drain(sender_);
  EXPECT_EQ(stream_.Bytes(kJob).size(), 60u);
}

TEST_F(TraceSenderTest, SharesTheAgentsWindowBetweenJobs) {
  Connect({.unacked_bytes_job = 1000, .unacked_bytes_agent = 40, .chunk_bytes = 10});
  sender_.Open(kJob, Log(kJob), 0);
  sender_.Open(kOther, Log(kOther), 0);
  Append(kJob, std::string(30, 'x'));
  Append(kOther, std::string(30, 'y'));
  stream_.Drain(sender_);
  EXPECT_EQ(stream_.Bytes(kJob).size() + stream_.Bytes(kOther).size(), 40u);
  EXPECT_FALSE(stream_.Bytes(kOther).empty());
  sender_.Close(kJob);  // its bytes no longer count
  stream_.Drain(sender_);
  EXPECT_EQ(stream_.Bytes(kOther), std::string(30, 'y'));
}

TEST_F(TraceSenderTest, SendsAgainFromWhereTheCoordinatorAsks) {
  Connect({.chunk_bytes = 4});
  sender_.Open(kJob, Log(kJob), 0);
  Append(kJob, "abcdefgh");
  stream_.Drain(sender_);
  stream_.Clear();
  sender_.ResumeAt(kJob, 2);
  stream_.Drain(sender_);
  ASSERT_GE(stream_.Chunks(kJob).size(), 1u);
  EXPECT_EQ(stream_.Chunks(kJob)[0].offset(), 2u);
  EXPECT_EQ(stream_.Chunks(kJob)[0].data(), "cdef");
}

TEST_F(TraceSenderTest, GoesOnInTheNextSessionAtTheOffsetOfTheVerdict) {
  Connect({.chunk_bytes = 4});
  sender_.Open(kJob, Log(kJob), 0);
  Append(kJob, "abcdefgh");
  sender_.Disconnected();  // in the middle of a write
  FakeStream next;
  sender_.Connected(next, "next session", {});
  next.Drain(sender_);
  EXPECT_TRUE(next.Chunks(kJob).empty()) << "before the verdict";
  sender_.ResumeAt(kJob, 4);
  next.Drain(sender_);
  ASSERT_EQ(next.Chunks(kJob).size(), 1u);
  EXPECT_EQ(next.Chunks(kJob)[0].data(), "efgh");
}

TEST_F(TraceSenderTest, TellsInEachSessionWhenAnEndedTraceIsSent) {
  int sent = 0;
  sender_.Open(kJob, Log(kJob), std::nullopt);
  Append(kJob, "abc");
  sender_.Ended(kJob, 3, [&] { ++sent; });
  EXPECT_EQ(sent, 0);
  Connect();
  sender_.ResumeAt(kJob, 3);
  EXPECT_GE(sent, 1);
}

TEST_F(TraceSenderTest, HashesWhatItSendsAndReadsTheRest) {
  Connect({.chunk_bytes = 4});
  sender_.Open(kJob, Log(kJob), 0);
  Append(kJob, "abcdefgh");
  stream_.Drain(sender_);
  Append(kJob, "ij");
  EXPECT_EQ(sender_.Digest(kJob, 10, 100), os::Sha256Of("abcdefghij"));
  EXPECT_EQ(HashFile(Log(kJob), 10).value_or(""), os::Sha256Of("abcdefghij"));
  EXPECT_FALSE(HashFile(Log(kJob), 11).ok());
}

TEST_F(TraceSenderTest, LeavesTheHashOfALongRestToOthers) {
  Append(kJob, "abcdefgh");
  sender_.Open(kJob, Log(kJob), std::nullopt);
  EXPECT_EQ(sender_.Digest(kJob, 8, 4), std::nullopt);
}

}  // namespace
}  // namespace grange::trace
