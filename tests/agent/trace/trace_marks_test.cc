// The marks of an output on their way to the coordinator, beside its bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/shim/output_marks.h"
#include "agent/trace/mark_reader.h"
#include "agent/trace/trace_sender.h"
#include "common/os/files.h"

namespace grange::trace {
namespace {

using shim::OutputMark;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Assignment kJob{JobId(1), 1, Fence{10}};

// What has been written to a stream, in its order: "time 0@1000", "bytes 0-5".
class FakeStream : public TraceWriter {
 public:
  void Write(std::shared_ptr<const v1::TraceMsg> message) override {
    EXPECT_EQ(in_flight_, nullptr) << "two writes at once";
    in_flight_ = std::move(message);
  }
  void Drain(TraceSender& sender) {
    while (in_flight_ != nullptr) {
      const std::shared_ptr<const v1::TraceMsg> message = std::exchange(in_flight_, nullptr);
      if (message->has_mark()) Note(message->mark());
      if (message->has_chunk()) {
        const v1::TraceChunk& chunk = message->chunk();
        sent.push_back(
            absl::StrCat("bytes ", chunk.offset(), "-", chunk.offset() + chunk.data().size()));
      }
      sender.OnWritten();
    }
  }
  std::vector<std::string> Taken() { return std::exchange(sent, {}); }

  std::vector<std::string> sent;

 private:
  void Note(const v1::TraceMark& mark) {
    EXPECT_EQ(mark.assignment().job_id(), 1);
    EXPECT_EQ(mark.assignment().fence(), 10u);
    const std::string kind = mark.kind() == v1::TraceMark::KIND_TIME            ? "time"
                             : mark.kind() == v1::TraceMark::KIND_SECTION_START ? "start"
                                                                                : "end";
    sent.push_back(absl::StrCat(kind, mark.name().empty() ? "" : " ", mark.name(), " ",
                                mark.offset(), "@", mark.unix_ms()));
  }
  std::shared_ptr<const v1::TraceMsg> in_flight_;
};

class TraceMarksTest : public testing::Test {
 protected:
  TraceMarksTest()
      : dir_(os::MakeTempDir("grange-marks").value()), sender_(loop_), marks_(dir_ + "/marks", 0) {}
  ~TraceMarksTest() override { os::RemoveTree(dir_).IgnoreError(); }

  // As a shim does it: the mark, the bytes, the word.
  void Print(const std::string& bytes, int64_t unix_ms) {
    marks_.Note(content_.size(), unix_ms);
    content_ += bytes;
    ASSERT_TRUE(os::WriteFile(dir_ + "/log", content_).ok());
    sender_.Grown(kJob);
  }
  void Open(std::optional<uint64_t> from = 0) {
    sender_.Open(kJob, dir_ + "/log", from, dir_ + "/marks");
  }
  void Connect(TraceLimits limits = {}) {
    sender_.Connected(stream_, "the session", limits);
    stream_.Drain(sender_);
  }
  std::vector<std::string> Sent() {
    stream_.Drain(sender_);
    return stream_.Taken();
  }

  os::EventLoop loop_;
  const std::string dir_;
  TraceSender sender_;
  FakeStream stream_;
  shim::OutputMarks marks_;
  std::string content_;
};

TEST_F(TraceMarksTest, AMarkGoesBeforeTheChunkWithTheByteBehindIt) {
  Connect();
  Open();
  Print("one\n", 1000);
  EXPECT_THAT(Sent(), ElementsAre("time 0@1000", "bytes 0-4"));
  sender_.OnAck(kJob, 4);
  Print("two\n", 2000);
  EXPECT_THAT(Sent(), ElementsAre("time 4@2000", "bytes 4-8"));
}

TEST_F(TraceMarksTest, MarksOfLaterChunksWaitForThem) {
  Connect({.unacked_bytes_job = 4, .chunk_bytes = 4});
  Open();
  Print("1234", 1000);
  Print("5678", 2000);
  EXPECT_THAT(Sent(), ElementsAre("time 0@1000", "bytes 0-4"));
  sender_.OnAck(kJob, 4);
  EXPECT_THAT(Sent(), ElementsAre("time 4@2000", "bytes 4-8"));
}

TEST_F(TraceMarksTest, TheEndOfTheLastSectionNeedsNoByteBehindIt) {
  Connect();
  Open();
  marks_.BeginSection(OutputMark::kScript);
  Print("one\n", 1000);
  EXPECT_THAT(Sent(), ElementsAre("start script 0@1000", "time 0@1000", "bytes 0-4"));
  marks_.EndSection(4, 3000);
  sender_.Ended(kJob, 4, [] {});
  EXPECT_THAT(Sent(), ElementsAre("end script 4@3000"));
}

TEST_F(TraceMarksTest, OnSentComesAfterTheLastMark) {
  Connect();
  Open();
  marks_.BeginSection(OutputMark::kScript);
  Print("one\n", 1000);
  marks_.EndSection(4, 3000);
  bool told = false;
  sender_.Ended(kJob, 4, [&] { told = true; });
  EXPECT_FALSE(told);
  EXPECT_THAT(Sent(),
              ElementsAre("start script 0@1000", "time 0@1000", "end script 4@3000", "bytes 0-4"));
  EXPECT_TRUE(told);
}

TEST_F(TraceMarksTest, TheNextSessionGetsThoseOfTheBytesThatItLacksAndSomeBefore) {
  Connect();
  Open();
  for (int i = 0; i < 2000; ++i) {
    marks_.Note(content_.size(), 1000 * i);
    content_ += 'x';
  }
  ASSERT_TRUE(os::WriteFile(dir_ + "/log", content_).ok());
  sender_.Disconnected();
  FakeStream next;
  sender_.Connected(next, "next session", {});
  next.Drain(sender_);
  EXPECT_THAT(next.Taken(), IsEmpty()) << "before the verdict";
  sender_.ResumeAt(kJob, 1990);
  next.Drain(sender_);
  const std::vector<std::string> sent = next.Taken();
  ASSERT_EQ(sent.size(), 611u);
  EXPECT_EQ(sent[0], "time 1390@1390000");
  EXPECT_EQ(sent[609], "time 1999@1999000");
  EXPECT_EQ(sent[610], "bytes 1990-2000");
}

TEST_F(TraceMarksTest, WithinASessionOnlyThoseOfTheBytesAreSentAgain) {
  Connect({.chunk_bytes = 4});
  Open();
  Print("1234", 1000);
  Print("5678", 2000);
  sender_.Ended(kJob, 8, [] {});
  Sent();
  sender_.ResumeAt(kJob, 4);
  EXPECT_THAT(Sent(), ElementsAre("time 4@2000", "bytes 4-8"));
}

TEST_F(TraceMarksTest, AJobWithoutMarksIsSentAllTheSame) {
  Connect();
  Open();
  content_ = "one\n";
  ASSERT_TRUE(os::WriteFile(dir_ + "/log", content_).ok());
  bool told = false;
  sender_.Ended(kJob, 4, [&] { told = true; });
  EXPECT_THAT(Sent(), ElementsAre("bytes 0-4"));
  EXPECT_TRUE(told);
}

TEST_F(TraceMarksTest, ATornEndOfTheFileIsNoMark) {
  Print("one\n", 1000);
  std::string file = os::ReadFile(dir_ + "/marks").value();
  file += std::string(2 * sizeof(OutputMark) + 5, '\0');
  ASSERT_TRUE(os::WriteFile(dir_ + "/marks", file).ok());
  Connect();
  Open(std::nullopt);
  bool told = false;
  sender_.Ended(kJob, 4, [&] { told = true; });
  sender_.ResumeAt(kJob, 0);
  EXPECT_THAT(Sent(), ElementsAre("time 0@1000", "bytes 0-4"));
  EXPECT_TRUE(told);
}

TEST_F(TraceMarksTest, AReaderFindsWhatIsAddedLater) {
  MarkReader reader(dir_ + "/marks");
  EXPECT_EQ(reader.Next(), nullptr);
  marks_.Note(0, 1000);
  ASSERT_NE(reader.Next(), nullptr);
  EXPECT_EQ(reader.Next()->unix_ms, 1000);
  reader.Skip();
  EXPECT_EQ(reader.Next(), nullptr);
  marks_.Note(7, 2000);
  ASSERT_NE(reader.Next(), nullptr);
  EXPECT_EQ(reader.Next()->offset, 7u);
  reader.Rewind(7, 1);
  EXPECT_EQ(reader.Next()->offset, 0u);
  reader.Rewind(8, 0);
  EXPECT_EQ(reader.Next(), nullptr);
}

}  // namespace
}  // namespace grange::trace
