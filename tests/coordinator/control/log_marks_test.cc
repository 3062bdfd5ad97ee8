// What Logs says of a log beside its bytes.
#include "coordinator/control/log_marks.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "coordinator/trace/trace_path.h"
#include "tests/coordinator/control/control_fixture.h"

namespace grange::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LogMarksTest : public ControlFixture {
 protected:
  void SetUp() override {
    ControlFixture::SetUp();
    const Submitted made = Submit({"test"});
    job_ = made.jobs[0].id;
    Run(made.Progress(0), 1);
  }
  void Write(const std::string& log, const std::string& marks) {
    const std::string traces = dir() + "/traces";
    ASSERT_TRUE(os::MakeDirs(trace::FolderOf(traces, job_)).ok());
    ASSERT_TRUE(os::WriteFile(trace::PathOf(traces, job_, 1), log).ok());
    ASSERT_TRUE(os::WriteFile(trace::MarksPathOf(traces, job_, 1), marks).ok());
  }
  std::vector<v1::LogsPart> Logs(uint64_t offset, bool marks) {
    grpc::ClientContext context;
    rpc::AddBearer(context, admin_);
    v1::LogsRequest request;
    request.set_job_id(job_.value());
    request.set_offset(offset);
    request.set_marks(marks);
    const auto reader = stub_->Logs(&context, request);
    std::vector<v1::LogsPart> parts(1);
    while (reader->Read(&parts.back())) parts.emplace_back();
    parts.pop_back();
    EXPECT_TRUE(reader->Finish().ok());
    return parts;
  }
  static std::vector<std::string> Texts(const v1::LogsPart& part) {
    std::vector<std::string> texts;
    for (const v1::LogMark& mark : part.marks()) {
      texts.push_back(absl::StrCat(mark.offset(), "@", mark.unix_ms(), " ", mark.kind(),
                                   mark.name().empty() ? "" : " ", mark.name()));
    }
    return texts;
  }

  // The attempt's start, which nobody has told yet: now.
  std::string Began() { return absl::StrCat("0@", absl::ToUnixMillis(clock().Now()), " 1"); }

  JobId job_;
};

TEST_F(LogMarksTest, AreSentOnlyIfTheyAreAskedFor) {
  Write("one\n", "0 1000 t\n");
  for (const v1::LogsPart& part : Logs(0, false)) EXPECT_THAT(Texts(part), IsEmpty());
}

TEST_F(LogMarksTest, GoWithTheBytesBehindThemAndTheRestWithTheEnd) {
  Write("one\ntwo\n", "0 1000 s script\n4 2000 t\n8 3000 e script\n");
  const std::vector<v1::LogsPart> parts = Logs(0, true);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].data(), "one\ntwo\n");
  EXPECT_THAT(Texts(parts[0]), ElementsAre(Began(), "0@1000 2 script", "4@2000 1"));
  EXPECT_THAT(Texts(parts[1]), ElementsAre("8@3000 3 script"));
}

TEST_F(LogMarksTest, AReaderThatBeginsInTheMiddleLearnsTheTimeThere) {
  Write("one\ntwo\n", "2 1500 t\n2 1600 s more\n4 2000 t\n");
  EXPECT_THAT(Texts(Logs(1, true)[0]),
              ElementsAre(Began(), "2@1500 1", "2@1600 2 more", "4@2000 1"));
  EXPECT_THAT(Texts(Logs(4, true)[0]), ElementsAre("2@1500 1", "4@2000 1"));
  EXPECT_THAT(Texts(Logs(5, true)[0]), ElementsAre("4@2000 1"));
  EXPECT_THAT(Texts(Logs(8, true)[0]), ElementsAre("4@2000 1"));
}

TEST_F(LogMarksTest, ManyAreSentInSeveralParts) {
  std::string marks;
  for (int i = 0; i < 4500; ++i) absl::StrAppend(&marks, i, " ", 1000 + i, " t\n");
  Write(std::string(4500, 'x'), marks);
  int seen = 0;
  uint64_t bytes_before = 0;
  for (const v1::LogsPart& part : Logs(0, true)) {
    EXPECT_LE(part.marks_size(), LogMarks::kInOnePart);
    EXPECT_EQ(part.offset(), bytes_before);
    for (const v1::LogMark& mark : part.marks()) {
      EXPECT_EQ(mark.offset(), uint64_t(std::max(seen++ - 1, 0)));  // the first is the start's
    }
    if (!part.data().empty()) {
      EXPECT_EQ(seen, 4501) << "bytes before their marks";
    }
    bytes_before += part.data().size();
  }
  EXPECT_EQ(seen, 4501);
  EXPECT_EQ(bytes_before, 4500u);
}

TEST_F(LogMarksTest, WhatMakesNoSenseIsTheEndOfThem) {
  Write("one\n", "0 1000 t\nnonsense\n2 1500 t\n");
  EXPECT_THAT(Texts(Logs(0, true)[0]), ElementsAre(Began(), "0@1000 1"));
}

}  // namespace
}  // namespace grange::control
