#include "agent/job/job_result.h"

#include "gtest/gtest.h"

namespace grange::job {
namespace {

TEST(JobResultTest, SurvivesTheJournal) {
  JobResult result;
  result.reason = EndReason::kScriptFailure;
  result.exit_code = 3;
  result.signal = 9;
  result.trace_bytes = 123456789012;
  result.trace_sha256 = std::string("\x00\xff\x10", 3) + std::string(29, 'x');
  result.dropped_bytes = 5;
  result.duration = absl::Milliseconds(1234);
  result.cpu = absl::Milliseconds(7);
  result.max_rss_bytes = 1 << 20;
  result.detail = "said \"no\"\n";
  result.artifact_id = "a1";
  result.artifact_error = "none";
  const absl::StatusOr<JobResult> read = DecodeResult(EncodeResult(result));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, result);
}

TEST(JobResultTest, RefusesTextThatIsNoResult) {
  EXPECT_FALSE(DecodeResult("").ok());
  EXPECT_FALSE(DecodeResult("{").ok());
  EXPECT_FALSE(DecodeResult("[]").ok());
  EXPECT_FALSE(DecodeResult("{\"reason\":\"success\"}").ok());
  EXPECT_FALSE(DecodeResult("{\"reason\":\"tired\"}").ok());
}

TEST(JobResultTest, KeepsTextThatIsNoUtf8Readable) {
  JobResult result;
  result.detail = "bad \xff byte";
  const absl::StatusOr<JobResult> read = DecodeResult(EncodeResult(result));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->detail, "bad \xef\xbf\xbd byte");
}

TEST(JobResultTest, CallsANonZeroExitOrASignalAFailureOfTheScript) {
  exec::ShimResult shim;
  EXPECT_EQ(ResultOf(shim).reason, EndReason::kSuccess);
  shim.exit_code = 1;
  EXPECT_EQ(ResultOf(shim).reason, EndReason::kScriptFailure);
  shim.exit_code = 0;
  shim.signal = 11;
  EXPECT_EQ(ResultOf(shim).reason, EndReason::kScriptFailure);
  shim.reason = exec::ShimResult::Reason::kTimeout;
  EXPECT_EQ(ResultOf(shim).reason, EndReason::kTimeout);
}

}  // namespace
}  // namespace grange::job
