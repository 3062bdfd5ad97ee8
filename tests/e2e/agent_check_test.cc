// `grange-agent check` says in order what works, and at what it ends.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/os/files.h"
#include "common/rpc/credentials.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;


CtlResult Check(Farm& farm, const std::vector<std::string>& prefix = {}) {
  std::vector<std::string> argv = {"check", "--state", farm.AgentState("agent-1")};
  if (prefix.empty()) return farm.RunProgram("grange-agent", argv);
  argv.insert(argv.begin(), Farm::Bin("grange-agent"));
  argv.insert(argv.begin(), prefix.begin() + 1, prefix.end());
  return farm.RunProgram(prefix[0], argv);
}

// The first two words of each line: the outcome and the step.
std::vector<std::string> Steps(const CtlResult& check) {
  std::vector<std::string> steps;
  for (const absl::string_view line : absl::StrSplit(check.out, '\n', absl::SkipEmpty())) {
    const absl::string_view step = line.substr(8);
    steps.push_back(absl::StrCat(line.substr(0, line.find(' ')), " ",
                                 step.substr(0, step.find(':'))));
  }
  return steps;
}

// An agent of a coordinator with the operator's certificate, which is replaced while it runs.
class AgentCheckTest : public ::testing::Test {
 protected:
  AgentCheckTest()
      : ca_(*rpc::LoadOrMakeCa(keys_.path() + "/ca", absl::Now())), farm_(Options()) {
    farm_.AddAgent();
  }
  Farm::Options Options() {
    Show({"127.0.0.1"}, absl::Now());
    Farm::Options options;
    options.coordinator_arguments = {"--certificate", keys_.path() + "/pem", "--key",
                                     keys_.path() + "/key", "--ca", keys_.path() + "/ca/ca.pem"};
    return options;
  }
  void Show(const std::vector<std::string>& names, absl::Time now) {
    const rpc::KeyPair pair = *rpc::IssueServerCertificate(ca_, names, now);
    ASSERT_TRUE(os::WriteFile(keys_.path() + "/key", pair.key_pem).ok());
    ASSERT_TRUE(os::WriteFile(keys_.path() + "/pem", pair.certificate_pem).ok());
  }

  TempDir keys_;
  const rpc::KeyPair ca_;
  Farm farm_;
};

TEST_F(AgentCheckTest, N9_AllIsWellInTheOrderOfTheWay) {
  const CtlResult check = Check(farm_);
  EXPECT_EQ(check.exit_code, 0) << check.err;
  EXPECT_THAT(Steps(check),
              ElementsAre("ok registration", "ok address", "ok TCP", "ok TLS", "ok certificate",
                          "ok fingerprint", "ok dates and clock", "ok credential", "ok protocol",
                          "ok disk", "ok git", "ok shell", "ok grange-shim",
                          "ok limits of jobs"))
      << check.out;
}

TEST_F(AgentCheckTest, N9_ACertificateForOtherNamesIsSaid) {
  Show({"elsewhere.example.org"}, absl::Now());
  CtlResult check;
  EXPECT_TRUE(Eventually([&] {
    check = Check(farm_);
    return absl::StrContains(check.out, "FAILED  certificate");
  })) << check.out;
  EXPECT_NE(check.exit_code, 0);
  EXPECT_THAT(check.out, HasSubstr("FAILED  certificate: the coordinator's certificate is for "
                                   "elsewhere.example.org, not for '127.0.0.1'"));
  EXPECT_THAT(check.out, HasSubstr("skipped credential"));
  EXPECT_THAT(check.out, HasSubstr("ok      git"));  // what needs no coordinator is still looked at
}

TEST_F(AgentCheckTest, N9_AWrongClockIsSaidTogetherWithTheDates) {
  if (!os::Exists("/usr/bin/faketime")) GTEST_SKIP() << "faketime isn't installed";
  struct {
    const char* offset;
    const char* text;
  } const cases[] = {{"-10d", "is valid from"}, {"+20y", "was valid until"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.offset);
    const CtlResult check = Check(farm_, {"/usr/bin/faketime", "-f", c.offset});
    EXPECT_NE(check.exit_code, 0);
    EXPECT_THAT(check.out, HasSubstr("FAILED  dates and clock: the certificate"));
    EXPECT_THAT(check.out, HasSubstr(c.text));
    EXPECT_THAT(check.out, HasSubstr("set the clock"));
  }
}

TEST_F(AgentCheckTest, A11_AClockThatDiffersIsRemarked) {
  if (!os::Exists("/usr/bin/faketime")) GTEST_SKIP() << "faketime isn't installed";
  const CtlResult check = Check(farm_, {"/usr/bin/faketime", "-f", "+2h"});
  EXPECT_EQ(check.exit_code, 0) << check.out;
  EXPECT_THAT(check.out, HasSubstr("note    clock: this machine's is "));
  EXPECT_THAT(check.out, HasSubstr("ahead of the coordinator's"));
}

TEST_F(AgentCheckTest, N9_AnotherAuthorityIsSaid) {
  const rpc::KeyPair other = *rpc::LoadOrMakeCa(keys_.path() + "/other", absl::Now());
  ASSERT_TRUE(os::WriteFile(farm_.AgentState("agent-1") + "/ca.pem", other.certificate_pem).ok());
  const CtlResult check = Check(farm_);
  EXPECT_NE(check.exit_code, 0);
  EXPECT_THAT(check.out, HasSubstr("FAILED  fingerprint: "));
  EXPECT_THAT(check.out, HasSubstr("register this agent again"));
}

TEST_F(AgentCheckTest, N9_ARevokedCredentialIsSaid) {
  ASSERT_EQ(farm_.Ctl({"agent", "revoke", "agent-1"}).exit_code, 0);
  const CtlResult check = Check(farm_);
  EXPECT_NE(check.exit_code, 0);
  EXPECT_THAT(check.out, HasSubstr("FAILED  credential: "));
  EXPECT_THAT(check.out, HasSubstr("revoked"));
  EXPECT_THAT(check.out, HasSubstr("ok      protocol"));
}

TEST_F(AgentCheckTest, N9_ACoordinatorThatIsAwayIsSaidAndTheRestLookedAt) {
  farm_.KillCoordinator();
  const CtlResult check = Check(farm_);
  EXPECT_NE(check.exit_code, 0);
  EXPECT_THAT(check.out, HasSubstr("FAILED  TCP: cannot reach the coordinator"));
  EXPECT_THAT(Steps(check),
              ElementsAre("ok registration", "ok address", "FAILED TCP", "skipped TLS",
                          "skipped certificate", "skipped fingerprint", "skipped dates",
                          "skipped credential", "skipped protocol", "ok disk", "ok git",
                          "ok shell", "ok grange-shim", "ok limits of jobs"))
      << check.out;
}

}  // namespace
}  // namespace grange::test
