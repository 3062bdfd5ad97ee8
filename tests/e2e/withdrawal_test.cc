// A credential that is withdrawn ends what it has opened, at once.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kWithdrawnWithin = absl::Seconds(5);

// grangectl's configuration with another token.
std::string ConfigWith(Farm& farm, const std::string& token) {
  std::string text = *os::ReadFile(farm.CtlConfig());
  const size_t line = text.find("token:");
  text.replace(line, text.find('\n', line) - line, absl::StrCat("token: \"", token, "\""));
  const std::string path = farm.dir() + "/viewer.yml";
  EXPECT_TRUE(os::WriteFileAtomic(path, text, 0600).ok());
  return path;
}

TEST(WithdrawalTest, T2_ARevokedTokenEndsWatchingAndLogsWithinFiveSeconds) {
  Farm farm;
  farm.AddAgent();
  const std::string repository =
      farm.MakeRepository("app", "long:\n  script: [\"echo begun\", \"sleep 300\"]\n");
  const int64_t pipeline = farm.Submit(repository);
  ASSERT_TRUE(farm.WaitForJob(pipeline, "long", "running"));
  const int64_t job = farm.Job(pipeline, "long").value("id", int64_t{0});
  const nlohmann::json token =
      farm.Ctl({"token", "create", "--user", "eve", "--role", "viewer", "-o", "json"}).json();
  const std::string config = ConfigWith(farm, token.value("token", ""));
  const auto start = [&](const std::string& name, std::vector<std::string> argv) {
    argv.insert(argv.begin(), {Farm::Bin("grangectl"), "--config", config});
    return std::make_unique<Program>(name, std::move(argv), farm.dir() + "/" + name);
  };
  const auto watching = start("watching", {"watch", absl::StrCat(pipeline)});
  const auto reading = start("reading", {"logs", "-f", absl::StrCat(job)});
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(reading->Log(), "begun"); }));
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(watching->Log(), "long"); }));

  ASSERT_EQ(farm.Ctl({"token", "revoke", absl::StrCat(token.value("id", 0))}).exit_code, 0);

  const auto gone = [&] { return !watching->Running() && !reading->Running(); };
  EXPECT_TRUE(Eventually(gone, kWithdrawnWithin));
  EXPECT_EQ(watching->Wait().exit_code, 4) << watching->Log();
  EXPECT_EQ(reading->Wait().exit_code, 4) << reading->Log();
  EXPECT_THAT(watching->Log(), HasSubstr("revoked"));
  EXPECT_THAT(reading->Log(), HasSubstr("revoked"));
  // Nobody else is disturbed.
  EXPECT_EQ(farm.Job(pipeline, "long").value("status", ""), "running");
}

}  // namespace
}  // namespace grange::test
