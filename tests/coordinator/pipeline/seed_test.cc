// The .gitlab-ci.yml from which Grange was born must compile as it stands.

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_replace.h"
#include "coordinator/pipeline/compile.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The folder that lies beside the repository where the project is developed.
const std::filesystem::path kSeedFolder =
    std::filesystem::path(GRANGE_SOURCE_DIR) / ".." / "shared" / "seed";

// The first block marked as YAML of the article, its placeholder for a host filled in.
std::string SeedYaml() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kSeedFolder, error)) {
    std::ostringstream article;
    article << std::ifstream(entry.path()).rdbuf();
    const std::string text = article.str();
    const std::string mark = "{% highlight yaml %}\n";
    const size_t start = text.find(mark);
    const size_t end = text.find("{% endhighlight %}", start);
    if (start == std::string::npos || end == std::string::npos) continue;
    return absl::StrReplaceAll(text.substr(start + mark.size(), end - start - mark.size()),
                               {{"{test server}", "test.example"}});
  }
  return "";
}

CompileResult CompileOn(const std::string& yaml, const std::string& branch) {
  TriggerFacts facts;
  facts.branch = branch;
  facts.default_branch = "master";
  facts.project = "portal";
  return Compile({".gitlab-ci.yml", yaml}, config::EmptyTree(), facts);
}

TEST(SeedTest, CompilesVerbatim) {
  const std::string yaml = SeedYaml();
  if (yaml.empty()) GTEST_SKIP() << "the article is not at " << kSeedFolder;
  const CompileResult result = CompileOn(yaml, "master");
  // Its own flaw: 'deploy' lacks the condition that 'test' has.
  ASSERT_EQ(result.diagnostics.size(), 1u);
  EXPECT_EQ(result.diagnostics[0].severity, config::Diagnostic::Severity::kWarning);
  EXPECT_THAT(result.diagnostics[0].message, HasSubstr("job 'deploy' is in every pipeline"));
  ASSERT_TRUE(result.graph.has_value());
  EXPECT_THAT(result.graph->stages, ElementsAre("test", "deploy"));
  ASSERT_EQ(result.graph->jobs.size(), 2u);
  EXPECT_THAT(result.graph->jobs[0].script,
              ElementsAre("scp app/tests/*_test.php root@test.example:/var/www/",
                          "nosetests --with-coverage --cover-package=app --cover-branches",
                          "ssh root@test.example \"rm /var/www/*_test.php\""));
  EXPECT_EQ(result.graph->jobs[1].name, "deploy");
}

TEST(SeedTest, DeploysWithoutTestsOnOtherBranches) {
  const std::string yaml = SeedYaml();
  if (yaml.empty()) GTEST_SKIP() << "the article is not at " << kSeedFolder;
  const CompileResult result = CompileOn(yaml, "dev");
  ASSERT_TRUE(result.graph.has_value());
  ASSERT_EQ(result.graph->jobs.size(), 1u);
  EXPECT_EQ(result.graph->jobs[0].name, "deploy");
}

}  // namespace
}  // namespace grange::pipeline
