// Jobs that run as users of their own, one for each slot, and try what they must not be able to do.
#include <sys/stat.h>
#include <unistd.h>

#include <string>
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
using ::testing::Not;

constexpr char kRepositoryReadMe[] = "the sources\n";

class RunAsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (getuid() != 0) GTEST_SKIP() << "only root can start jobs as other users";
    // Others must be able to pass it on the way to their work trees.
    ASSERT_EQ(chmod(farm_.dir().c_str(), 0711), 0);
    farm_.AddAgent();
    for (const char* path : {"/tmp", farm_.dir().c_str()}) {
      struct stat info {};
      if (stat(path, &info) != 0 || (info.st_mode & S_IXOTH) == 0) GTEST_SKIP() << path;
    }
  }

  std::string Repository(const std::string& config) {
    return farm_.MakeRepository("app", config, {{"README", kRepositoryReadMe}});
  }
  std::string TraceOf(int64_t pipeline, const std::string& job) {
    return farm_.Trace(farm_.Job(pipeline, job)["id"].get<int64_t>());
  }

  Farm farm_{{.coordinator_arguments = {},
              .agent_environment = {},
              .prepare_state = nullptr,
              .agent_arguments = {"--run-as", "4000001-4000002"}}};
};

TEST_F(RunAsTest, AJobIsItsUserWithHomeAndWorkTreeOfItsOwn) {
  const int64_t pipeline = farm_.Submit(
      Repository("job:\n  script:\n    - echo \"uid $(id -u) gid $(id -g) groups $(id -G)\"\n"
                 "    - echo \"user $USER $LOGNAME\"; touch \"$HOME/x\" && echo home\n"
                 "    - cat README; git status --porcelain; git log --oneline | wc -l\n"
                 "    - grep NoNewPrivs /proc/self/status; ulimit -c\n"
                 "    - stat -c '%a %u' .; echo made > result\n"
                 "    - echo to-stderr | tee /dev/stderr > /dev/null\n"
                 "  after_script: ['echo \"after $(id -u)\"']\n"
                 "  artifacts: {paths: [result]}\n"
                 "next:\n  stage: deploy\n  script: ['cat result; echo more >> result; stat -c %u "
                 "result']\n"));
  EXPECT_EQ(farm_.WaitForPipeline(pipeline), "success");
  const std::string trace = TraceOf(pipeline, "job");
  EXPECT_THAT(trace, HasSubstr("uid 4000001 gid 4000001 groups 4000001\n"));
  EXPECT_THAT(trace, HasSubstr("user 4000001 4000001\nhome\n"));
  EXPECT_THAT(trace, HasSubstr(kRepositoryReadMe));
  EXPECT_THAT(trace, HasSubstr("NoNewPrivs:\t1\n0\n"));
  EXPECT_THAT(trace, HasSubstr("700 4000001\n"));
  EXPECT_THAT(trace, HasSubstr("to-stderr\n"));
  EXPECT_THAT(trace, HasSubstr("after 4000001\n"));
  EXPECT_THAT(TraceOf(pipeline, "next"), HasSubstr("made\n"));
  EXPECT_EQ(farm_.StopAndFindLeftovers(), "");
}

TEST_F(RunAsTest, J9_AJobCannotTouchItsShimTheSpoolTheCredentialOrAnotherWorkTree) {
  const std::string state = farm_.AgentState("agent-1");
  const std::string go = farm_.dir() + "/go";
  const int64_t pipeline = farm_.Submit(Repository(absl::StrCat(
      "victim:\n  script: ['echo secret > mine; echo \"at $PWD\"; while [ ! -e ", go,
      " ]; do sleep 0.05; done; cat mine']\n"
      "attack:\n  script:\n"
      "    - set +e; exec 2>&1; while [ ! -d ",
      state,
      "/workspaces/1/app ]; do sleep 0.05; done\n"
      "    - kill -9 $PPID; kill -STOP $PPID; echo \"kill $?\"\n"
      "    - cat /proc/$PPID/environ /proc/$PPID/mem > /dev/null; echo \"look $?\"\n"
      "    - cat ",
      state, "/credential; cat ", state, "/journal; ls ", state, "; ls ", state,
      "/jobs\n"
      "    - cat \"$GRANGE_JOB_FOLDER/log\"; echo forged > \"$GRANGE_JOB_FOLDER/result\"\n"
      "    - ls ",
      state, "/mirrors; ls ", state,
      "/workspaces\n"
      "    - for slot in 0 1; do d=",
      state,
      "/workspaces/$slot; mv $d/app $d/away; touch $d/new; "
      "[ $d/app = $PWD ] || { ls $d/app; cat $d/app/mine; cat $d/.files/KEY; }; done\n"
      "    - ln ",
      state, "/credential stolen; ln -s ", state,
      "/credential shown; ls\n"
      "    - echo unharmed\n"
      "  artifacts: {paths: [shown]}\n")));
  ASSERT_TRUE(farm_.WaitForJob(pipeline, "attack", "success"));
  ASSERT_TRUE(os::WriteFile(go, "").ok());
  EXPECT_EQ(farm_.WaitForPipeline(pipeline), "success");
  const std::string trace = TraceOf(pipeline, "attack");
  const std::string credential = os::ReadFile(state + "/credential").value();
  EXPECT_THAT(trace, HasSubstr("kill 1\n"));
  EXPECT_THAT(trace, HasSubstr("look 1\n"));
  EXPECT_THAT(trace, Not(HasSubstr(credential)));
  EXPECT_THAT(trace, HasSubstr(state + "/credential: Permission denied"));
  EXPECT_THAT(trace, HasSubstr(state + "/journal: Permission denied"));
  EXPECT_THAT(trace, HasSubstr("/log: Permission denied"));
  EXPECT_THAT(trace, HasSubstr("/result: Permission denied"));
  EXPECT_THAT(trace, HasSubstr("cannot open directory '" + state + "'"));
  EXPECT_THAT(trace, HasSubstr("cannot open directory '" + state + "/jobs'"));
  EXPECT_THAT(trace, HasSubstr("cannot open directory '" + state + "/mirrors'"));
  EXPECT_THAT(trace, HasSubstr("/mine: Permission denied"));
  EXPECT_THAT(trace, Not(HasSubstr("\nsecret\n")));
  EXPECT_THAT(trace, HasSubstr("\nunharmed\n"));
  EXPECT_THAT(TraceOf(pipeline, "victim"), HasSubstr("\nsecret\n"));
  EXPECT_FALSE(os::Exists(state + "/workspaces/0/new"));
  EXPECT_FALSE(os::Exists(state + "/workspaces/1/new"));
}

TEST_F(RunAsTest, AFileVariableIsTheJobsAloneAndGoesWithIt) {
  ASSERT_EQ(farm_.Ctl({"submit", Repository("job: {script: [cat README]}\n"), "--watch"}).exit_code,
            0);
  ASSERT_EQ(farm_.Ctl({"var", "set", "--project", "app", "--file", "KEY", "the key"}).exit_code, 0);
  farm_.Commit(farm_.dir() + "/repos/app",
               {{".gitlab-ci.yml", "job: {script: ['stat -c \"%a %u\" $KEY; wc -c < $KEY']}\n"}});
  const int64_t pipeline = farm_.Submit(farm_.dir() + "/repos/app");
  EXPECT_EQ(farm_.WaitForPipeline(pipeline), "success");
  EXPECT_THAT(TraceOf(pipeline, "job"), HasSubstr("600 4000001\n7\n"));
  EXPECT_FALSE(os::Exists(farm_.AgentState("agent-1") + "/workspaces/0/.files"));
}

TEST_F(RunAsTest, J9_GitSettingsThatAJobLeavesBehindRunForNobody) {
  const std::string ran = farm_.dir() + "/ran";
  ASSERT_EQ(mkdir(ran.c_str(), 0777), 0);
  ASSERT_EQ(chmod(ran.c_str(), 01777), 0);
  const std::string repository = Repository(absl::StrCat(
      "job:\n  script:\n"
      "    - git config core.fsmonitor 'touch ",
      ran,
      "/$(id -u).$$; :'\n"
      "    - mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch ",
      ran,
      "/hook.$(id -u)\\n' > .git/hooks/post-checkout; chmod 755 .git/hooks/post-checkout\n"
      "    - 'printf \"[core]\\n\\tfsmonitor = touch ",
      ran, "/home\\n\" > ~/.gitconfig'\n"));
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(farm_.WaitForPipeline(farm_.Submit(repository)), "success");
  }
  EXPECT_EQ(os::ListDir(ran).value(), std::vector<std::string>());
}

TEST_F(RunAsTest, A1_AJobOfAnotherUserIsAdoptedAndItsArtifactStored) {
  const std::string go = farm_.dir() + "/go";
  const int64_t pipeline = farm_.Submit(Repository(
      absl::StrCat("job:\n  script: ['while [ ! -e ", go,
                   " ]; do sleep 0.05; done; id -u > out']\n  artifacts: {paths: [out]}\n"
                   "next:\n  stage: deploy\n  script: [cat out]\n")));
  ASSERT_TRUE(farm_.WaitForJob(pipeline, "job", "running"));
  farm_.KillAgent("agent-1");
  farm_.StartAgent("agent-1");
  ASSERT_TRUE(os::WriteFile(go, "").ok());
  EXPECT_EQ(farm_.WaitForPipeline(pipeline), "success");
  EXPECT_THAT(TraceOf(pipeline, "next"), HasSubstr("4000001\n"));
}

TEST(RunAsStartTest, J9_AnAgentThatCannotKeepJobsApartDoesNotStart) {
  Farm farm;
  farm.AddAgent();
  farm.KillAgent("agent-1", 15);
  const auto run = [&](const std::string& users) {
    return farm.RunProgram("grange-agent",
                           {"run", "--state", farm.AgentState("agent-1"), "--run-as", users});
  };
  const CtlResult few = run("4000001");
  EXPECT_EQ(few.exit_code, 2);
  EXPECT_THAT(few.err, HasSubstr("this agent has 2 slots and each needs a user of its own"));
  EXPECT_THAT(run("root,4000001").err, HasSubstr("'root' is root, which jobs must not be"));
  EXPECT_THAT(run("no-such-user,4000001").err, HasSubstr("there is no user 'no-such-user'"));
  const CtlResult closed = run("4000001-4000002");
  EXPECT_EQ(closed.exit_code, 1);
  if (getuid() == 0) {
    EXPECT_THAT(closed.err, HasSubstr(absl::StrCat("'", farm.dir(), "' has the mode 0700")));
  } else {
    EXPECT_THAT(closed.err, HasSubstr("only an agent that runs as root"));
  }
}

}  // namespace
}  // namespace grange::test
