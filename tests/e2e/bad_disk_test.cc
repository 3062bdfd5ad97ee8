// A slow disk makes the coordinator slow and nothing else; one that fails makes it lose nothing that it
// has acknowledged.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"
#include "tests/support/injection.h"

namespace grange::test {
namespace {

constexpr char kManyLines[] = "job: {script: ['seq 1 20000'], parallel: 4}\n";

class BadDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = WhyNoInjection(); !why.empty()) GTEST_SKIP() << why;
  }
  // To the coordinator while the returned object lives.
  static std::unique_ptr<AttachedInjection> Inject(Farm& farm, const Injection& injection) {
    auto attached = AttachedInjection::Attach(farm.coordinator().pid(), injection,
                                              farm.dir() + "/injected");
    EXPECT_TRUE(attached.ok()) << attached.status();
    return attached.ok() ? *std::move(attached) : nullptr;
  }
  static void ExpectWholeLogs(Farm& farm, int64_t pipeline) {
    std::string numbers;
    for (int i = 1; i <= 20'000; ++i) absl::StrAppend(&numbers, i, "\n");
    for (int part = 1; part <= 4; ++part) {
      const nlohmann::json job = farm.Job(pipeline, absl::StrCat("job ", part, "/4"));
      EXPECT_EQ(job["attempt"], 1);
      EXPECT_TRUE(absl::EndsWith(farm.Trace(job["id"]), "$ seq 1 20000\n" + numbers));
    }
  }
};

TEST_F(BadDiskTest, C6_ASlowDiskLosesNoJobAndNoAgent) {
  Farm farm;
  farm.AddAgent();
  const std::string repository = farm.MakeRepository("app", kManyLines);
  int64_t pipeline = 0;
  {
    const auto slow = Inject(farm, {.calls = "fdatasync",
                                    .action = "delay_enter=500000",
                                    .when = "1+"});
    ASSERT_NE(slow, nullptr);
    pipeline = farm.Submit(repository);
    EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
    EXPECT_GT(slow->Injected(), 3);
  }
  ExpectWholeLogs(farm, pipeline);
  EXPECT_FALSE(absl::StrContains(farm.coordinator().Log(), "agent_silent"));
  EXPECT_FALSE(absl::StrContains(farm.coordinator().Log(), "agent_disconnected"));
}

TEST_F(BadDiskTest, C7_ASyncThatFailsOnceIsWrittenAnewAndNothingIsMissing) {
  Farm farm;
  farm.AddAgent();
  const std::string repository = farm.MakeRepository("app", kManyLines);
  int64_t pipeline = 0;
  {
    // Of each thread by itself: database, logs, folders.
    const auto failing = Inject(farm, {.calls = "fdatasync", .action = "error=EIO", .when = "2"});
    ASSERT_NE(failing, nullptr);
    // A submit whose row could not be stored is refused; it is asked again, as a person would.
    CtlResult submitted;
    ASSERT_TRUE(Eventually([&] {
      submitted = farm.Ctl({"submit", repository});
      return submitted.exit_code == 0;
    })) << submitted.err;
    pipeline = std::stoll(submitted.out);
    EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
    EXPECT_GT(failing->Injected(), 0);
  }
  ExpectWholeLogs(farm, pipeline);
  EXPECT_EQ(farm.StopAndFindLeftovers(), "");
}

TEST_F(BadDiskTest, C7_ADiskThatKeepsFailingStopsTheCoordinatorAndWhatItAcknowledgedIsThere) {
  Farm farm;
  farm.AddAgent();
  const std::string repository = farm.MakeRepository("app", kManyLines);
  const int64_t before = farm.Submit(repository);
  std::vector<int64_t> acknowledged = {before};
  {
    const auto failing = Inject(farm, {.calls = "fdatasync", .action = "error=EIO", .when = "3+"});
    ASSERT_NE(failing, nullptr);
    ASSERT_TRUE(Eventually([&] {
      const CtlResult submitted =
          farm.Ctl({"submit", repository}, absl::Seconds(20));
      if (submitted.exit_code == 0) acknowledged.push_back(std::stoll(submitted.out));
      return !farm.coordinator().Running();
    }));
  }
  EXPECT_TRUE(absl::StrContains(farm.coordinator().Log(), "cannot_store"));
  EXPECT_TRUE(absl::StrContains(farm.coordinator().Log(), "check the disk"));

  farm.StartCoordinator();

  for (const int64_t pipeline : acknowledged) {
    EXPECT_EQ(farm.WaitForPipeline(pipeline), "success") << pipeline;
    ExpectWholeLogs(farm, pipeline);
  }
}

}  // namespace
}  // namespace grange::test
