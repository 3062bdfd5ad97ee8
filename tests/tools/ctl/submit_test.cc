// submit, with real repositories and a coordinator that the test plays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "fake_control.h"
#include "run_ctl.h"
#include "test_repository.h"

namespace grange::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SubmitTest : public ::testing::Test {
 protected:
  SubmitTest() {
    test_.Write(".gitlab-ci.yml", "job: {script: [x]}\n");
    head_ = test_.Commit("first");
  }

  CtlRun Submit(std::vector<std::string> args = {}, std::vector<std::string> environment = {}) {
    args.insert(args.begin(), "submit");
    environment.push_back(control_.ConfigVariable());
    return RunCtl(args, {.cwd = test_.path(), .environment = environment});
  }
  v1::SubmitRequest LastSubmit() {
    const std::vector<v1::SubmitRequest> all = control_.submits();
    EXPECT_FALSE(all.empty());
    return all.empty() ? v1::SubmitRequest() : all.back();
  }

  FakeControl control_;
  TestRepository test_{"portal"};
  std::string head_;
};

TEST_F(SubmitTest, SendsTheCommitAndPrintsThePipelinesIdAlone) {
  const CtlRun run = Submit();

  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "2\n");
  EXPECT_THAT(run.err, IsEmpty());
  EXPECT_TRUE(control_.HasCommit(head_));
  EXPECT_EQ(LastSubmit().project(), "portal");
  EXPECT_EQ(LastSubmit().ref_name(), "master");
  EXPECT_EQ(LastSubmit().default_branch(), "master");
  EXPECT_FALSE(LastSubmit().is_tag());
}

TEST_F(SubmitTest, UsesOneRequestKeyForTheWholeCommandAndAnotherForTheNext) {
  Submit();
  Submit();

  const std::vector<v1::SubmitRequest> all = control_.submits();
  ASSERT_EQ(all.size(), 3u);  // objects needed, created; created
  EXPECT_EQ(all[0].request_key().size(), 16u);
  EXPECT_EQ(all[0].request_key(), all[1].request_key());
  EXPECT_NE(all[1].request_key(), all[2].request_key());
}

TEST_F(SubmitTest, RepeatsAfterACutWithTheSameKey) {
  control_.CutSubmits(2);

  const CtlRun run = Submit({"--request-key", "000102030405060708090a0b0c0d0e0f"});

  EXPECT_EQ(run.out, "2\n") << run.err;
  for (const v1::SubmitRequest& request : control_.submits()) {
    EXPECT_EQ(request.request_key(), std::string("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16));
  }
}

TEST_F(SubmitTest, TakesATagAndVariablesAndTheEvent) {
  test_.Git({"tag", "v1"});

  const CtlRun run =
      Submit({"--ref", "v1", "--var", "A=b=c", "--var", "B=", "--event", "web", "--project", "p"});

  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(LastSubmit().is_tag());
  EXPECT_EQ(LastSubmit().ref_name(), "v1");
  EXPECT_EQ(LastSubmit().event(), "web");
  EXPECT_EQ(LastSubmit().project(), "p");
  ASSERT_EQ(LastSubmit().variables_size(), 2);
  EXPECT_EQ(LastSubmit().variables(0).value(), "b=c");
}

TEST_F(SubmitTest, SendsInputsAsJson) {
  Submit({"--input", "name=a b", "--input", "count=2"});
  ASSERT_EQ(LastSubmit().inputs_size(), 2);
  EXPECT_EQ(LastSubmit().inputs(0).value(), "\"a b\"");
  EXPECT_EQ(LastSubmit().inputs(1).value(), "2");
}

TEST_F(SubmitTest, DirtySendsWhatIsNotCommitted) {
  test_.Write("new file", "x");

  const CtlRun run = Submit({"--dirty"});

  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(LastSubmit().sha(), head_);
  EXPECT_TRUE(control_.HasCommit(LastSubmit().sha()));
  EXPECT_EQ(test_.Git({"status", "--porcelain"}), "?? \"new file\"");
}

TEST_F(SubmitTest, TheUsersHooksHaveNoPart) {
  test_.Write(".git/hooks/pre-push", "#!/bin/sh\nexit 1\n");
  test_.Git({"config", "core.hooksPath", test_.path() + "/.git/hooks"});
  EXPECT_EQ(Submit().exit_code, 0);
}

TEST_F(SubmitTest, WorksInsideAHookOfAnotherRepository) {
  const TestRepository other("other");
  EXPECT_EQ(Submit({}, {"GIT_DIR=" + other.path() + "/.git"}).exit_code, 0);
  EXPECT_EQ(LastSubmit().sha(), head_);
}

TEST_F(SubmitTest, SendsLargeCommitsWhole) {
  std::string noise;
  uint64_t state = 1;
  while (noise.size() < (4 << 20)) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    noise.append(reinterpret_cast<const char*>(&state), sizeof state);
  }
  test_.Write("noise", noise);
  const std::string sha = test_.Commit("large");

  EXPECT_EQ(Submit().exit_code, 0);
  EXPECT_TRUE(control_.HasCommit(sha));
}

TEST_F(SubmitTest, AUrlIsLeftToTheCoordinator) {
  const CtlRun run = Submit({"https://git.example.org/team/portal.git", "--ref", "main"});

  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(LastSubmit().url(), "https://git.example.org/team/portal.git");
  EXPECT_EQ(LastSubmit().project(), "portal");
  EXPECT_THAT(LastSubmit().sha(), IsEmpty());
}

TEST_F(SubmitTest, PrintsTheErrorsOfAnInvalidConfigurationOneALine) {
  v1::SubmitReply reply;
  reply.set_outcome(v1::SubmitReply::OUTCOME_INVALID);
  reply.add_errors(".gitlab-ci.yml:1:1: first");
  reply.add_errors(".gitlab-ci.yml:2:1: second");
  control_.SetOutcome(reply);

  const CtlRun run = Submit();

  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_EQ(run.err, ".gitlab-ci.yml:1:1: first\n.gitlab-ci.yml:2:1: second\n");
}

TEST_F(SubmitTest, NoJobsIsNoErrorAndNoId) {
  v1::SubmitReply reply;
  reply.set_outcome(v1::SubmitReply::OUTCOME_NO_JOBS);
  control_.SetOutcome(reply);

  const CtlRun run = Submit();

  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr("grangectl explain"));
}

TEST_F(SubmitTest, WhatCannotBeSubmittedIsRefusedBeforeAnythingIsSent) {
  const TempDir plain;
  test_.Git({"checkout", "--quiet", "-b", "empty"});
  test_.Git({"rm", "--quiet", ".gitlab-ci.yml"});
  test_.Commit("without");

  EXPECT_THAT(Submit({plain.path()}).err, HasSubstr("is not in a git repository"));
  EXPECT_THAT(Submit({"--ref", "mastre"}).err, HasSubstr("did you mean 'master'?"));
  EXPECT_THAT(Submit().err, HasSubstr("there is no '.gitlab-ci.yml' in commit"));
  EXPECT_EQ(Submit({"--dirty", "--ref", "master"}).exit_code, 2);
  EXPECT_THAT(control_.submits(), IsEmpty());
}

}  // namespace
}  // namespace grange::ctl
