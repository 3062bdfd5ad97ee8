// What a shim notes of a job's output beside its bytes.
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/shim/output_mark.h"
#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job_run.h"

namespace grange::exec {
namespace {

using shim::OutputMark;
using ::testing::ElementsAre;

std::vector<OutputMark> MarksOf(const JobRun& job) {
  const std::string bytes = os::ReadFile(os::JoinPath(job.dir(), "marks")).value_or("");
  EXPECT_EQ(bytes.size() % sizeof(OutputMark), 0u);
  std::vector<OutputMark> marks(bytes.size() / sizeof(OutputMark));
  std::memcpy(marks.data(), bytes.data(), marks.size() * sizeof(OutputMark));
  return marks;
}

// "start script 7"; without the times.
std::vector<std::string> Texts(const std::vector<OutputMark>& marks) {
  std::vector<std::string> texts;
  for (const OutputMark& mark : marks) {
    const char* const kind = mark.kind == OutputMark::kTime           ? "time"
                             : mark.kind == OutputMark::kSectionStart ? "start "
                                                                      : "end ";
    texts.push_back(
        absl::StrCat(kind, std::string(shim::SectionName(mark.section)), " ", mark.offset));
  }
  return texts;
}

TEST(ShimMarksTest, HasAStepOfTheJobForEachSectionAndATimeForOutputThatComesLater) {
  JobRun job;
  job.run().trace_prefix = "prefix\n";
  job.run().after_script = "echo after\n";
  const int64_t before = absl::ToUnixMillis(absl::Now());
  job.Finish("echo one; sleep 0.3; echo two\n");
  const int64_t after = absl::ToUnixMillis(absl::Now());

  const std::vector<OutputMark> marks = MarksOf(job);
  EXPECT_EQ(job.log(), "prefix\none\ntwo\nafter\n");
  ASSERT_THAT(Texts(marks),
              ElementsAre("start prepare 0", "end prepare 7", "start script 7", "time 11",
                          "end script 15", "start after_script 15", "end after_script 21"));
  EXPECT_GE(marks.front().unix_ms, before);
  EXPECT_LE(marks.back().unix_ms, after);
  EXPECT_GE(marks[3].unix_ms - marks[2].unix_ms, 290);
}

TEST(ShimMarksTest, AJobThatPrintsNothingHasNone) {
  JobRun job;
  job.Finish("true\n");
  EXPECT_FALSE(os::Exists(os::JoinPath(job.dir(), "marks")));
}

TEST(ShimMarksTest, OutputThatFloodsHasOneIn100Ms) {
  JobRun job;
  job.Finish("sleep 0.15; timeout 1 yes | head -c 20000000\n");
  const std::vector<OutputMark> marks = MarksOf(job);
  ASSERT_FALSE(marks.empty());
  EXPECT_EQ(job.log().size(), 20'000'000u);
  EXPECT_LE(marks.size(), static_cast<size_t>(absl::ToInt64Milliseconds(job.elapsed()) / 100 + 3));
}

TEST(ShimMarksTest, AFileThatCantBeMadeCostsTheJobNothing) {
  JobRun job;
  ASSERT_TRUE(os::MakeDirs(os::JoinPath(job.dir(), "marks")).ok());  // a folder in its place
  const ShimResult result = job.Finish("echo one; sleep 0.2; echo two\n");
  EXPECT_EQ(result.reason, ShimResult::Reason::kExited);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(job.log(), "one\ntwo\n");
}

}  // namespace
}  // namespace grange::exec
