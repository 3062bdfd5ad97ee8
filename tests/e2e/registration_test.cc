// Agents come to the farm by token, and stay themselves.
#include <sys/stat.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

CtlResult Register(Farm& farm, const std::string& name, const std::string& token) {
  return farm.RunProgram("grange-agent",
                         {"register", "--state", farm.AgentState(name), "--coordinator",
                          farm.address(), "--token", token, "--name", name});
}

std::string NewToken(Farm& farm, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"token", "create", "--registration", "-o", "json"});
  const CtlResult created = farm.Ctl(more);
  EXPECT_EQ(created.exit_code, 0) << created.err;
  return created.json().value("token", "");
}

TEST(RegistrationTest, ATokenWorksAsOftenAsItsUsesSay) {
  Farm farm;
  const std::string token = NewToken(farm, {"--uses", "2"});

  EXPECT_EQ(Register(farm, "a", token).exit_code, 0);
  EXPECT_EQ(Register(farm, "b", token).exit_code, 0);
  const CtlResult third = Register(farm, "c", token);

  EXPECT_NE(third.exit_code, 0);
  EXPECT_TRUE(absl::StrContains(third.err, "used up") || absl::StrContains(third.err, "uses"))
      << third.err;
}

TEST(RegistrationTest, ARevokedTokenIsRefusedWithTheReason) {
  Farm farm;
  const CtlResult created = farm.Ctl({"token", "create", "--registration", "-o", "json"});
  const nlohmann::json token = created.json();
  ASSERT_EQ(farm.Ctl({"token", "revoke", absl::StrCat(token.value("id", 0))}).exit_code, 0);

  const CtlResult refused = Register(farm, "a", token.value("token", ""));

  EXPECT_NE(refused.exit_code, 0);
  EXPECT_TRUE(absl::StrContains(refused.err, "revoked")) << refused.err;
}

TEST(RegistrationTest, AnExpiredTokenIsRefusedWithTheReason) {
  Farm farm;
  const std::string token = NewToken(farm, {"--ttl", "1s"});
  CtlResult refused;
  // The first tries may still be in time; each uses a name of its own.
  int tries = 0;
  ASSERT_TRUE(Eventually([&] {
    refused = Register(farm, absl::StrCat("late-", ++tries), token);
    return absl::StrContains(refused.err, "expired");
  })) << refused.err;
  EXPECT_NE(refused.exit_code, 0);
}

// A stolen token is good from where it was made for, once, and leaves a trace wherever it is tried.
TEST(RegistrationTest, T1_ATokenWorksFromItsAddressesOnlyAndEachUseIsListed) {
  Farm farm;
  const std::string elsewhere = NewToken(farm, {"--from", "192.0.2.0/24", "--from", "10.9.9.9"});
  const CtlResult refused = Register(farm, "thief", elsewhere);
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_TRUE(absl::StrContains(refused.err,
                                "may not be used from 127.0.0.1, only from 192.0.2.0/24, 10.9.9.9; "
                                "ask your administrator"))
      << refused.err;
  EXPECT_TRUE(absl::StrContains(farm.coordinator().Log(), "registration_refused"));
  const nlohmann::json tokens = farm.Ctl({"token", "list", "-o", "json"}).json()["tokens"];
  EXPECT_EQ(tokens.back()["uses_left"], 1);
  EXPECT_EQ(tokens.back()["from"], nlohmann::json::array({"192.0.2.0/24", "10.9.9.9"}));
  EXPECT_TRUE(absl::StrContains(farm.Ctl({"token", "list"}).out, "192.0.2.0/24,10.9.9.9"));

  const std::string here = NewToken(farm, {"--from", "127.0.0.0/8"});
  EXPECT_EQ(Register(farm, "a", here).exit_code, 0);
  const CtlResult again = Register(farm, "b", here);
  EXPECT_TRUE(absl::StrContains(again.err, "used up")) << again.err;

  const std::string audit = farm.Ctl({"audit"}).out;
  for (const char* line : {"agent thief", "may not be used from 127.0.0.1", "agent a is registered",
                           "agent b", "is used up"}) {
    EXPECT_TRUE(absl::StrContains(audit, line)) << line << " is not in\n" << audit;
  }
}

TEST(RegistrationTest, AWrongTokenIsRefused) {
  Farm farm;
  std::string token = NewToken(farm);
  token[20] = token[20] == 'x' ? 'y' : 'x';
  const CtlResult refused = Register(farm, "a", token);
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_FALSE(refused.err.empty());
}

TEST(RegistrationTest, ATokenOfAnotherCoordinatorIsRefusedBeforeItIsSent) {
  Farm farm, other;
  const CtlResult refused = Register(farm, "a", NewToken(other));
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_TRUE(absl::StrContains(refused.err, "fingerprint")) << refused.err;
}

TEST(RegistrationTest, TheCredentialIsReadableByItsOwnerOnly) {
  Farm farm;
  farm.AddAgent();
  struct stat info {};
  ASSERT_EQ(stat((farm.AgentState("agent-1") + "/credential").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(RegistrationTest, TokensAndCredentialsAreNotInTheDatabase) {
  Farm farm;
  const std::string token = NewToken(farm);
  ASSERT_EQ(Register(farm, "a", token).exit_code, 0);
  const std::string credential = *os::ReadFile(farm.AgentState("a") + "/credential");
  for (const std::string& secret : {token.substr(0, 30), credential.substr(0, 30)}) {
    const CtlResult grep =
        farm.RunProgram("/usr/bin/grep", {"-rlF", secret, farm.CoordinatorState()});
    EXPECT_EQ(grep.out, "");
  }
}

TEST(RegistrationTest, ASecondAgentWithACopiedCredentialIsRefused) {
  Farm farm;
  farm.AddAgent();
  const CtlResult copied =
      farm.RunProgram("/bin/cp", {"-a", farm.AgentState("agent-1"), farm.AgentState("copy")});
  ASSERT_EQ(copied.exit_code, 0);

  Program second("copy", {Farm::Bin("grange-agent"), "run", "--state", farm.AgentState("copy")},
                 farm.dir() + "/copy.log");

  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(second.Log(), "in use twice") ||
           absl::StrContains(second.Log(), "went back");
  })) << second.Log();
  const nlohmann::json agents = farm.Ctl({"agents", "-o", "json"}).json();
  EXPECT_EQ(agents["agents"][0]["status"], "online");
}

TEST(RegistrationTest, ARevokedAgentIsCutOffAndSaysWhatToDo) {
  Farm farm;
  farm.AddAgent();
  EXPECT_EQ(farm.Ctl({"agent", "revoke", "agent-1"}).exit_code, 0);
  EXPECT_TRUE(
      Eventually([&] { return absl::StrContains(farm.agent("agent-1").Log(), "revoked"); }));
}

TEST(RegistrationTest, ATokenWithTagsLimitsTheAgentToThem) {
  Farm farm;
  const std::string token = NewToken(farm, {"--tag", "linux"});
  const CtlResult registered = farm.RunProgram(
      "grange-agent", {"register", "--state", farm.AgentState("a"), "--coordinator", farm.address(),
                       "--token", token, "--name", "a", "--tag", "gpu"});
  const nlohmann::json agents = farm.Ctl({"agents", "-o", "json"}).json();
  if (registered.exit_code == 0) {
    for (const nlohmann::json& tag : agents["agents"][0]["tags"]) EXPECT_EQ(tag, "linux");
  } else {
    EXPECT_TRUE(absl::StrContains(registered.err, "linux")) << registered.err;
  }
}

TEST(RegistrationTest, ADrainedAgentFinishesItsJobsAndStartsNoOther) {
  Farm farm;
  farm.AddAgent();  // with two slots
  const std::string gate = farm.dir() + "/gate";
  const std::string wait = absl::StrCat("script: ['while [ ! -e ", gate, " ]; do sleep 0.02; done']");
  std::string config;
  for (int i = 0; i < 20; ++i) absl::StrAppend(&config, "job", i, ": {", wait, "}\n");
  const int64_t pipeline = farm.Submit(farm.MakeRepository("app", config));
  ASSERT_TRUE(farm.WaitForJob(pipeline, "job0", "running"));
  ASSERT_TRUE(farm.WaitForJob(pipeline, "job1", "running"));

  const CtlResult drained = farm.Ctl({"agent", "drain", "agent-1"});
  ASSERT_EQ(drained.exit_code, 0) << drained.err;
  ASSERT_TRUE(os::WriteFile(gate, "").ok());

  EXPECT_TRUE(farm.WaitForJob(pipeline, "job0", "success"));
  EXPECT_TRUE(farm.WaitForJob(pipeline, "job1", "success"));
  const nlohmann::json waiting = farm.Job(pipeline, "job2");
  EXPECT_EQ(waiting["status"], "pending");
  const CtlResult why = farm.Ctl({"why", absl::StrCat(int64_t{waiting["id"]})});
  EXPECT_TRUE(absl::StrContains(why.out, "draining")) << why.out;

  ASSERT_EQ(farm.Ctl({"agent", "resume", "agent-1"}).exit_code, 0);
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success");
}

}  // namespace
}  // namespace grange::test
