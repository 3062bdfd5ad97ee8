// Whoever steals the database's files reads no token and no value that somebody gave in confidence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/token_text.h"
#include "tests/coordinator/store/store_fixture.h"

namespace grange::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class StolenDatabaseTest : public StoreFixture {
 protected:
  std::string AllFiles() {
    std::string all;
    const std::vector<std::string> names = os::ListDir(dir()).value();
    for (const std::string& name : names) {
      const absl::StatusOr<std::string> bytes = os::ReadFile(dir() + "/" + name, 1 << 30);
      if (bytes.ok()) absl::StrAppend(&all, *bytes);
    }
    return all;
  }
  // The names of the files of the database, its log among them, that contain `text`.
  std::vector<std::string> FilesWith(const std::string& text) {
    std::vector<std::string> found;
    const std::vector<std::string> names = os::ListDir(dir()).value();
    for (const std::string& name : names) {
      const absl::StatusOr<std::string> bytes = os::ReadFile(dir() + "/" + name, 1 << 30);
      if (bytes.ok() && absl::StrContains(*bytes, text)) found.push_back(name);
    }
    return found;
  }
};

TEST_F(StolenDatabaseTest, T5NoneOfAThousandPlantedValuesIsInItsFiles) {
  std::vector<std::string> planted;
  const auto plant = [&] {
    planted.push_back(absl::StrCat("planted-value-", planted.size(), "-of-the-test"));
    return planted.back();
  };
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(store()
                    .SetVariable(project(), {.name = absl::StrCat("NAME_", i),
                                             .value = Secret(plant()),
                                             .masked = i % 2 == 0,
                                             .file = i % 3 == 0},
                                 {})
                    .ok());
  }
  for (int i = 0; i < 300; ++i) {
    PipelineRow pipeline = APipeline();
    pipeline.variables = {{"GIVEN", plant()}};
    std::vector<JobRow> jobs = {AJob(0, "build")};
    jobs[0].plan_json = absl::StrCat("{\"variables\":{\"GIVEN\":\"", plant(), "\"}}");
    ASSERT_TRUE(store().CreatePipeline(pipeline, jobs, "", nullptr, {}).ok());
  }
  for (int i = 0; i < 100; ++i) {
    planted.push_back(rpc::NewToken(rpc::TokenKind::kUser));
    TokenRow row;
    row.kind = TokenRow::Kind::kUser;
    row.hash = rpc::TokenHash(planted.back());
    row.user = "ada";
    row.role = "viewer";
    ASSERT_TRUE(store().CreateToken(row, "").ok());
  }
  ASSERT_EQ(planted.size(), 1000u);
  const std::string stolen = AllFiles();
  for (const std::string& value : planted) EXPECT_FALSE(absl::StrContains(stolen, value)) << value;
  EXPECT_THAT(FilesWith("planted-value"), ElementsAre());
  EXPECT_FALSE(FilesWith("A. U. Thor").empty());  // what is no secret would be found
}

TEST_F(StolenDatabaseTest, ValuesOfASubmitComeBack) {
  PipelineRow pipeline = APipeline();
  pipeline.variables = {{"GIVEN", "in confidence"}};
  std::vector<JobRow> jobs = {AJob(0, "build")};
  ASSERT_TRUE(store().CreatePipeline(pipeline, jobs, "", nullptr, {}).ok());
  EXPECT_THAT(store().GetPipeline(pipeline.id)->variables,
              ElementsAre(Pair("GIVEN", "in confidence")));
  EXPECT_EQ(store().JobsOf(pipeline.id)->front().plan_json, jobs[0].plan_json);
}

TEST_F(StolenDatabaseTest, T5RowsOfAnOlderProgramAreSealedAtTheStartAndLeaveNothing) {
  const Submitted submitted = Submit({"build"});
  Close();
  Tamper(absl::StrCat("UPDATE job_plans SET plan = CAST('{\"old\":\"planted-plan\"}' AS BLOB); ",
                      "UPDATE pipelines SET variables = CAST('5:GIVEN,11:planted-var,' AS BLOB); ",
                      "PRAGMA user_version = 0")
             .c_str());
  ASSERT_FALSE(FilesWith("planted-plan").empty());

  Open();

  EXPECT_THAT(FilesWith("planted-plan"), ElementsAre());
  EXPECT_THAT(FilesWith("planted-var"), ElementsAre());
  EXPECT_EQ(store().JobsOf(submitted.pipeline)->front().plan_json, "{\"old\":\"planted-plan\"}");
  EXPECT_THAT(store().GetPipeline(submitted.pipeline)->variables,
              ElementsAre(Pair("GIVEN", "planted-var")));
}

TEST_F(StolenDatabaseTest, C8APlanThatWasMovedToAnotherJobIsSaid) {
  const Submitted submitted = Submit({"build", "test"});
  Close();
  Tamper("UPDATE job_plans SET plan = (SELECT plan FROM job_plans ORDER BY job DESC LIMIT 1)");
  Open();
  const absl::Status read = store().GetJob(submitted.jobs[0].id).status();
  EXPECT_TRUE(absl::IsDataLoss(read)) << read;
  EXPECT_THAT(std::string(read.message()), HasSubstr("plan of job 1"));
}

}  // namespace
}  // namespace grange::store
