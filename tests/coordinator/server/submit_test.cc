#include "coordinator/server/submit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/os/child.h"
#include "coordinator/pipeline/graph_json.h"
#include "coordinator/server/pipeline_book.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Outcome = control::SubmitAnswer::Outcome;

constexpr char kFile[] = "test:\n  script: [make test]\n";

// A user's repository, a store and the mirrors of a coordinator.
class SubmitTest : public store::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    ASSERT_TRUE(os::MakeDirs(work()).ok());
    Git({"init", "--quiet", "-b", "main", "."});
    mirrors_ = std::make_unique<source::GitMirrors>(dir() + "/mirrors");
    book_ = std::make_unique<PipelineBook>(store());
    submitter_ = std::make_unique<Submitter>(store(), *mirrors_, *book_, clock(),
                                             [] { return std::string("https://localhost:1"); });
  }

  std::string work() const { return dir() + "/work"; }
  std::string Git(std::vector<std::string> arguments) {
    os::ChildOptions options;
    options.argv = {"git", "-c", "user.name=A. U. Thor", "-c", "user.email=thor@example.org"};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    options.env = {absl::StrCat("PATH=", getenv("PATH")), "HOME=" + dir(), "GIT_CONFIG_NOSYSTEM=1"};
    options.cwd = work();
    const absl::StatusOr<os::RunResult> result = os::Run(options);
    EXPECT_TRUE(result.ok() && result->status.ok()) << arguments[0];
    return result.ok() ? std::string(absl::StripSuffix(result->out, "\n")) : "";
  }
  // A commit with this configuration ("": none); its SHA.
  std::string CommitFile(const std::string& text) {
    if (!text.empty()) {
      EXPECT_TRUE(os::WriteFile(work() + "/.gitlab-ci.yml", text).ok());
      Git({"add", "-A"});
    }
    Git({"commit", "--quiet", "--allow-empty", "-m", "a change"});
    return Git({"rev-parse", "HEAD"});
  }
  // Puts what the repository has into the project's mirror, as a push does.
  void BringObjects() { ASSERT_TRUE(mirrors_->Fetch(project(), "file://" + work(), "main").ok()); }
  control::SubmitOrder Order(const std::string& sha, const std::string& key = "key-1") const {
    control::SubmitOrder order;
    order.request_key = key;
    order.project = "portal";
    order.sha = sha;
    order.ref_name = "main";
    return order;
  }
  absl::StatusOr<server::Submitted> Submit(const control::SubmitOrder& order) {
    return submitter_->Submit(order);
  }
  size_t Pipelines() { return store().ListPipelines(project(), 100, {})->size(); }

  std::unique_ptr<source::GitMirrors> mirrors_;
  std::unique_ptr<PipelineBook> book_;
  std::unique_ptr<Submitter> submitter_;
};

TEST_F(SubmitTest, MakesAPipelineOfTheCommit) {
  const std::string sha = CommitFile(kFile);
  BringObjects();

  const absl::StatusOr<server::Submitted> submitted = Submit(Order(sha));

  ASSERT_TRUE(submitted.ok()) << submitted.status();
  EXPECT_EQ(submitted->answer.outcome, Outcome::kCreated);
  EXPECT_EQ(submitted->answer.sha, sha);
  const store::PipelineRow row = *store().GetPipeline(submitted->answer.pipeline);
  EXPECT_EQ(row.commit.title, "a change");
  EXPECT_EQ(row.source, "push");
  ASSERT_TRUE(submitted->event.has_value());
  EXPECT_EQ(submitted->event->id, submitted->answer.pipeline);
  ASSERT_THAT(submitted->event->jobs, SizeIs(1));
  EXPECT_EQ(submitted->event->jobs[0].name, "test");
  EXPECT_TRUE(submitted->event->jobs[0].id.is_set());
}

TEST_F(SubmitTest, AWrongOnDisconnectIsRefusedWhenThePipelineIsMade) {
  const std::string sha =
      CommitFile("test:\n  script: [make]\n  variables: {GRANGE_ON_DISCONNECT: Stop}\n");
  BringObjects();
  const absl::StatusOr<server::Submitted> submitted = Submit(Order(sha));
  ASSERT_TRUE(submitted.ok()) << submitted.status();
  EXPECT_EQ(submitted->answer.outcome, Outcome::kInvalid);
  EXPECT_THAT(submitted->answer.errors, ElementsAre(HasSubstr("it takes keep or stop")));
}

TEST_F(SubmitTest, WrongLimitsAreRefusedWhenThePipelineIsMade) {
  const std::string sha = CommitFile(
      "test:\n  script: [make]\n  variables: {GRANGE_MEMORY_LIMIT: lots, GRANGE_PIDS_LIMIT: 0}\n");
  BringObjects();
  const absl::StatusOr<server::Submitted> submitted = Submit(Order(sha));
  ASSERT_TRUE(submitted.ok()) << submitted.status();
  EXPECT_EQ(submitted->answer.outcome, Outcome::kInvalid);
  EXPECT_THAT(submitted->answer.errors,
              ElementsAre(HasSubstr("job 'test': GRANGE_MEMORY_LIMIT is 'lots'; it takes a size"),
                          HasSubstr("GRANGE_PIDS_LIMIT is '0'; it takes a number")));
}

TEST_F(SubmitTest, ARetryThatMayOverlapIsWarnedOf) {
  const std::string sha =
      CommitFile("test:\n  script: [make]\n  retry: {max: 1, when: runner_system_failure}\n");
  BringObjects();
  const absl::StatusOr<server::Submitted> submitted = Submit(Order(sha));
  ASSERT_TRUE(submitted.ok()) << submitted.status();
  EXPECT_EQ(submitted->answer.outcome, Outcome::kCreated);
  EXPECT_THAT(submitted->answer.warnings, ElementsAre(HasSubstr("two attempts may run")));
}

TEST_F(SubmitTest, ChangesAreThoseSinceTheLastPipelineOfTheBranch) {
  const std::string rules = "  rules: [{changes: [src.c]}]\n";
  const std::string first =
      CommitFile("test:\n  script: [make]\n" + rules + "other:\n  script: [make]\n");
  BringObjects();
  const PipelineId of_first = Submit(Order(first))->answer.pipeline;
  ASSERT_TRUE(os::WriteFile(work() + "/doc.md", "text\n").ok());
  Git({"add", "doc.md"});
  Git({"commit", "--quiet", "-m", "words"});
  const std::string second = Git({"rev-parse", "HEAD"});
  BringObjects();

  const PipelineId of_second = Submit(Order(second, "other-key"))->answer.pipeline;

  EXPECT_THAT(*store().JobsOf(of_first), SizeIs(2));  // nothing to compare with
  EXPECT_THAT(*store().JobsOf(of_second), SizeIs(1));
  EXPECT_EQ(store().GetPipeline(of_second)->before_sha, first);
}

TEST_F(SubmitTest, TheBookKnowsThePipelineAsItsRowsSayIt) {
  const std::string sha = CommitFile(kFile);
  BringObjects();
  const PipelineId pipeline = Submit(Order(sha))->answer.pipeline;

  const PipelineFacts put = **book_->Get(pipeline);
  const PipelineFacts read = **PipelineBook(store()).Get(pipeline);

  EXPECT_EQ(put.row.commit.title, read.row.commit.title);
  EXPECT_EQ(put.project.id, read.project.id);
  ASSERT_EQ(put.plans.size(), read.plans.size());
  for (const auto& [job, plan] : read.plans) {
    EXPECT_EQ(pipeline::JobToJson(put.plans.at(job)), pipeline::JobToJson(plan));
  }
}

TEST_F(SubmitTest, TheSameKeyAgainGivesTheSamePipelineAndStartsNothing) {
  const std::string sha = CommitFile(kFile);
  BringObjects();
  const PipelineId first = Submit(Order(sha))->answer.pipeline;

  const absl::StatusOr<server::Submitted> again = Submit(Order(sha));

  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->answer.pipeline, first);
  EXPECT_EQ(again->answer.outcome, Outcome::kCreated);
  EXPECT_EQ(again->answer.sha, sha);
  EXPECT_FALSE(again->event.has_value());
  EXPECT_EQ(Pipelines(), 1u);
}

TEST_F(SubmitTest, AnotherKeyOrNoneMakesAnotherPipeline) {
  const std::string sha = CommitFile(kFile);
  BringObjects();
  control::SubmitOrder order = Order(sha);
  for (const char* key : {"key-1", "key-2", "", ""}) {
    order.request_key = key;
    ASSERT_TRUE(Submit(order).ok());
  }
  EXPECT_EQ(Pipelines(), 4u);
}

TEST_F(SubmitTest, AsksForObjectsThatAreNotThereAndGoesOnWithTheSameKey) {
  const std::string sha = CommitFile(kFile);
  const absl::StatusOr<server::Submitted> first = Submit(Order(sha));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->answer.outcome, Outcome::kNeedObjects);
  EXPECT_EQ(first->answer.project, project());
  EXPECT_EQ(Pipelines(), 0u);

  BringObjects();

  EXPECT_EQ(Submit(Order(sha))->answer.outcome, Outcome::kCreated);
}

TEST_F(SubmitTest, AConfigurationWithErrorsIsStoredWithThem) {
  const std::string sha = CommitFile("test:\n  script: [make]\n  needs: [biuld]\n");
  BringObjects();
  const absl::StatusOr<server::Submitted> submitted = Submit(Order(sha));
  ASSERT_TRUE(submitted.ok()) << submitted.status();
  EXPECT_EQ(submitted->answer.outcome, Outcome::kInvalid);
  ASSERT_THAT(submitted->answer.errors, SizeIs(1));
  EXPECT_THAT(submitted->answer.errors[0], HasSubstr(".gitlab-ci.yml:3:"));
  EXPECT_FALSE(submitted->event.has_value());
  const store::PipelineRow row = *store().GetPipeline(submitted->answer.pipeline);
  EXPECT_EQ(row.state, lifecycle::PipelineState::kFailed);
  EXPECT_EQ(row.errors, submitted->answer.errors);
  EXPECT_THAT(*store().UnfinishedPipelines(), IsEmpty());

  const absl::StatusOr<server::Submitted> again = Submit(Order(sha));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->answer.outcome, Outcome::kInvalid);
  EXPECT_EQ(again->answer.pipeline, submitted->answer.pipeline);
  EXPECT_EQ(again->answer.errors, submitted->answer.errors);
}

TEST_F(SubmitTest, WhatCanNotBeRunYetIsRefusedWithItsPlace) {
  const std::string sha = CommitFile("test:\n  script: [make]\n  image: ruby\n");
  BringObjects();

  const absl::StatusOr<server::Submitted> submitted = Submit(Order(sha));

  ASSERT_TRUE(submitted.ok()) << submitted.status();
  EXPECT_EQ(submitted->answer.outcome, Outcome::kInvalid);
  EXPECT_THAT(submitted->answer.errors,
              ElementsAre(".gitlab-ci.yml:3:3: job 'test': 'image' can't be run yet; remove it, or "
                          "leave the job out of this pipeline"));
  EXPECT_FALSE(submitted->event.has_value());
  EXPECT_EQ(store().GetPipeline(submitted->answer.pipeline)->state,
            lifecycle::PipelineState::kFailed);
}

TEST_F(SubmitTest, WhatCanNotBeRunYetDoesNoHarmInAJobThatIsLeftOut) {
  const std::string sha = CommitFile(
      "test:\n  script: [make]\nlater:\n  script: [make]\n  image: ruby\n  only: [tags]\n");
  BringObjects();

  EXPECT_EQ(Submit(Order(sha))->answer.outcome, Outcome::kCreated);
}

// Puts a file into the project "tools/ci" of this coordinator, at its branch main and at `tag`.
class IncludeTest : public SubmitTest {
 protected:
  void SetUp() override {
    SubmitTest::SetUp();
    templates_ = dir() + "/shared-templates";
    ASSERT_TRUE(os::MakeDirs(templates_).ok());
    IncludeOptions includes;
    includes.templates = templates_;
    includes.component_hosts = {"farm.example.com"};
    submitter_ = std::make_unique<Submitter>(
        store(), *mirrors_, *book_, clock(), [] { return std::string("https://localhost:1"); },
        includes);
  }
  std::string AddTools(const std::string& path, const std::string& text, const std::string& tag) {
    const std::string folder = path.substr(0, path.rfind('/'));
    EXPECT_TRUE(os::MakeDirs(work() + "/" + folder).ok());
    EXPECT_TRUE(os::WriteFile(work() + "/" + path, text).ok());
    const std::string sha = CommitFile("unused: {script: x}\n");
    Git({"tag", tag});
    const ProjectId tools = store().FindOrMakeProject("tools/ci", {})->id;
    EXPECT_TRUE(mirrors_->Fetch(tools, "file://" + work(), "main").ok());
    EXPECT_TRUE(mirrors_->Pin(tools, sha, "main", false).ok());
    EXPECT_TRUE(mirrors_->Pin(tools, sha, tag, true).ok());
    Git({"rm", "--quiet", "-r", "-f", folder});
    return sha;
  }
  // The names of the jobs of a pipeline with this configuration, or its errors.
  std::vector<std::string> Run(const std::string& text, control::SubmitOrder order = {}) {
    const std::string sha = CommitFile(text);
    BringObjects();
    const control::SubmitOrder base = Order(sha, sha);
    order.request_key = base.request_key;
    order.project = base.project;
    order.sha = base.sha;
    order.ref_name = base.ref_name;
    const absl::StatusOr<server::Submitted> submitted = Submit(order);
    if (!submitted.ok()) return {std::string(submitted.status().message())};
    std::vector<std::string> names = submitted->answer.errors;
    if (submitted->event.has_value()) {
      for (const auto& job : submitted->event->jobs) names.push_back(job.name);
    }
    return names;
  }

  std::string templates_;
};

TEST_F(IncludeTest, ReadsFilesOfOtherProjectsAtTheirCommit) {
  AddTools("ci/base.yml", "include: /ci/more.yml\nbase: {script: x}\n", "v0");
  AddTools("ci/more.yml", "more: {script: x}\n", "v1");
  EXPECT_THAT(Run("include: {project: tools/ci, file: ci/more.yml}\na: {script: x}\n"),
              ElementsAre("more", "a"));
  // At v0 the file that it includes was not there yet.
  EXPECT_THAT(
      Run("include: {project: tools/ci, ref: v0, file: ci/base.yml}\n"),
      ElementsAre(HasSubstr("tools/ci@v0:ci/base.yml:1:10: while including 'ci/more.yml': ")));
}

TEST_F(IncludeTest, LooksForFilesInOtherProjects) {
  AddTools("ci/base.yml", "base: {script: x}\n", "v0");
  AddTools("ci/more.yml", "more: {script: x}\n", "v1");
  const auto job = [](const std::string& exists) {
    return "a: {script: x, rules: [{exists: {paths: [ci/more.yml], " + exists + "}}]}\n";
  };
  EXPECT_THAT(Run(job("project: tools/ci")), ElementsAre("a"));
  EXPECT_THAT(Run(job("project: tools/ci, ref: v0")), IsEmpty());
  EXPECT_THAT(Run("include: {project: tools/ci, file: ci/more.yml, rules: [{exists: {paths: "
                  "[ci/more.yml], project: tools/ci}}]}\nb: {script: x}\n"),
              ElementsAre("more", "b"));
  EXPECT_THAT(Run(job("project: tools/cj")),
              ElementsAre(HasSubstr("this coordinator has no project 'tools/cj'")));
  EXPECT_THAT(Run(job("project: tools/ci, ref: v9")),
              ElementsAre(HasSubstr("project 'tools/ci' has no 'v9' here")));
}

TEST_F(IncludeTest, SaysWhatIsMissing) {
  AddTools("ci/base.yml", "base: {script: x}\n", "v1");
  EXPECT_THAT(Run("include: {project: tools/cj, file: a.yml}\na: {script: x}\n"),
              ElementsAre(HasSubstr("this coordinator has no project 'tools/cj'")));
  EXPECT_THAT(Run("include: {project: tools/ci, ref: v9, file: a.yml}\na: {script: x}\n"),
              ElementsAre(HasSubstr("project 'tools/ci' has no 'v9' here")));
  EXPECT_THAT(Run("include: {remote: 'https://example.com/a.yml'}\na: {script: x}\n"),
              ElementsAre(HasSubstr("'--include-host example.com' allows them")));
  EXPECT_THAT(Run("include: {component: other.example.com/tools/ci/lint@1}\na: {script: x}\n"),
              ElementsAre(HasSubstr("--component-host other.example.com")));
}

TEST_F(IncludeTest, TakesComponentsFromItsOwnProjects) {
  const std::string text =
      "spec: {component: [name, version, sha, reference], inputs: {job: }}\n---\n"
      "'$[[ inputs.job ]]-$[[ component.version ]]': {script: x}\n";
  AddTools("templates/lint.yml", text, "1.0.0");
  AddTools("templates/lint/template.yml", text, "1.1.0");
  const auto include = [](const std::string& address) {
    return "include: {component: '" + address + "', inputs: {job: l}}\n";
  };
  EXPECT_THAT(Run(include("farm.example.com/tools/ci/lint@1")), ElementsAre("l-1.1.0"));
  EXPECT_THAT(Run(include("$CI_SERVER_FQDN/tools/ci/lint@~latest")), ElementsAre("l-1.1.0"));
  EXPECT_THAT(Run(include("localhost/tools/ci/lint@1.0.0")), ElementsAre("l-1.0.0"));
  EXPECT_THAT(Run(include("localhost/tools/ci/lint@main")), ElementsAre("l-main"));
  EXPECT_THAT(Run(include("localhost/tools/ci/lint@2")),
              ElementsAre(HasSubstr("project 'tools/ci' has no version '2' here")));
  EXPECT_THAT(Run(include("localhost/tools/ci/lnt@1.0.0")),
              ElementsAre(HasSubstr("has neither 'templates/lnt.yml' nor")));
}

TEST_F(IncludeTest, ReadsTheOperatorsTemplates) {
  ASSERT_TRUE(os::WriteFile(templates_ + "/Make.gitlab-ci.yml", "make: {script: make}\n").ok());
  EXPECT_THAT(Run("include: {template: Make.gitlab-ci.yml}\n"), ElementsAre("make"));
  EXPECT_THAT(Run("include: {template: Mkae.gitlab-ci.yml}\na: {script: x}\n"),
              ElementsAre(HasSubstr("there is no 'Mkae.gitlab-ci.yml'")));
}

TEST_F(IncludeTest, PutsTheInputsOfTheSubmitInTheirPlaces) {
  control::SubmitOrder order;
  order.inputs = {{"name", "\"x\\/y\""}, {"count", "2"}};
  const std::string text =
      "spec: {inputs: {name: , count: {type: number}}}\n---\n"
      "'$[[ inputs.name ]]': {script: x, retry: '$[[ inputs.count ]]'}\n";
  EXPECT_THAT(Run(text, order), ElementsAre("x/y"));
  order.inputs = {{"name", "x"}, {"count", std::string(100000, '[')}};
  EXPECT_THAT(Run(text + "# again\n", order),
              ElementsAre(".gitlab-ci.yml: input 'count' nests lists and maps more than 100 deep",
                          HasSubstr("input 'name' is given as a value that is no JSON")));
}

TEST_F(IncludeTest, StoresTheChainOfIncludesWithAnError) {
  AddTools("ci/base.yml", "base: {script: x, stage: none}\n", "v1");
  EXPECT_THAT(Run("include:\n  - {project: tools/ci, file: ci/base.yml}\n"),
              ElementsAre(AllOf(HasSubstr("tools/ci@main:ci/base.yml:1:"),
                                HasSubstr("\n  included from .gitlab-ci.yml:2:"))));
}

TEST_F(SubmitTest, APipelineWithoutJobsIsNoPipelineAlsoTheSecondTime) {
  const std::string sha =
      CommitFile("test:\n  script: [make]\n  rules: [{if: '$CI_COMMIT_TAG'}]\n");
  BringObjects();
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<server::Submitted> submitted = Submit(Order(sha));
    ASSERT_TRUE(submitted.ok()) << submitted.status();
    EXPECT_EQ(submitted->answer.outcome, Outcome::kNoJobs);
  }
  EXPECT_EQ(Pipelines(), 0u);
}

TEST_F(SubmitTest, ACommitWithoutAConfigurationSaysWhatToDo) {
  const std::string sha = CommitFile("");
  BringObjects();
  const absl::Status status = Submit(Order(sha)).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("--file"));
}

TEST_F(SubmitTest, TheCoordinatorFetchesAUrlItself) {
  const std::string sha = CommitFile(kFile);
  control::SubmitOrder order = Order("");
  order.url = "file://" + work();
  const absl::StatusOr<server::Submitted> submitted = Submit(order);
  ASSERT_TRUE(submitted.ok()) << submitted.status();
  EXPECT_EQ(submitted->answer.sha, sha);
  EXPECT_EQ(submitted->answer.outcome, Outcome::kCreated);
}

TEST_F(SubmitTest, VariablesDecideAboutJobsAndAreKept) {
  const std::string sha =
      CommitFile("test:\n  script: [make]\n  rules: [{if: '$MODE == \"full\"'}]\n");
  BringObjects();
  control::SubmitOrder order = Order(sha);
  order.variables = {{"MODE", "full"}};
  const absl::StatusOr<server::Submitted> submitted = Submit(order);
  ASSERT_TRUE(submitted.ok()) << submitted.status();
  ASSERT_EQ(submitted->answer.outcome, Outcome::kCreated);
  EXPECT_THAT(store().GetPipeline(submitted->answer.pipeline)->variables,
              ElementsAre(std::pair<std::string, std::string>("MODE", "full")));
}

TEST_F(SubmitTest, ForeignTextIsChecked) {
  const std::string sha = CommitFile(kFile);
  BringObjects();
  struct {
    const char* name;
    void (*change)(control::SubmitOrder&);
  } const cases[] = {
      {"no project", [](control::SubmitOrder& o) { o.project = ""; }},
      {"project like an option", [](control::SubmitOrder& o) { o.project = "-x"; }},
      {"project that leaves", [](control::SubmitOrder& o) { o.project = "../x"; }},
      {"project with a space", [](control::SubmitOrder& o) { o.project = "a b"; }},
      {"long project", [](control::SubmitOrder& o) { o.project = std::string(201, 'x'); }},
      {"ref like an option", [](control::SubmitOrder& o) { o.ref_name = "--upload-pack=x"; }},
      {"ref with dots", [](control::SubmitOrder& o) { o.ref_name = "a..b"; }},
      {"short sha", [](control::SubmitOrder& o) { o.sha = "abc"; }},
      {"no sha", [](control::SubmitOrder& o) { o.sha = ""; }},
      {"sha that is none", [](control::SubmitOrder& o) { o.sha = std::string(40, 'g'); }},
      {"unknown event", [](control::SubmitOrder& o) { o.event = "hello"; }},
      {"file that leaves", [](control::SubmitOrder& o) { o.file = "../../etc/passwd"; }},
      {"absolute file", [](control::SubmitOrder& o) { o.file = "/etc/passwd"; }},
  };
  for (const auto& c : cases) {
    control::SubmitOrder order = Order(sha);
    c.change(order);
    const absl::Status status = Submit(order).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << c.name << ": " << status;
  }
  EXPECT_EQ(Pipelines(), 0u);
}

TEST_F(SubmitTest, AKeyThatBelongsToAnotherCommandIsRefused) {
  const std::string sha = CommitFile(kFile);
  BringObjects();
  ASSERT_TRUE(store().PutAnswer("key-1", "agent drained").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(Submit(Order(sha)).status()));
}

}  // namespace
}  // namespace grange::server
