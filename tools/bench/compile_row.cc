// B5: from a file's text to the jobs of a pipeline.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "coordinator/pipeline/compile.h"
#include "tools/bench/rows.h"
#include "tools/bench/yaml_floor.h"

namespace grange::bench {
namespace {

constexpr int kSizes[] = {100, 1000, 10'000};
// Short measurements are repeated within a round, so that each has about the same length.
constexpr int kJobsPerMeasurement = 10'000;

// Jobs as people write them, about 600 bytes each; every third needs an earlier one.
std::string ConfigOf(int jobs) {
  std::string text = "stages: [build, test]\nvariables:\n  TREE: /srv/tree\n  LEVEL: \"2\"\n";
  for (int i = 1; i <= jobs; ++i) {
    const bool in_tests = i % 3 == 0;
    absl::StrAppendFormat(&text,
                          "\npart-%05d:\n"
                          "  stage: %s\n",
                          i, in_tests ? "test" : "build");
    if (in_tests) absl::StrAppendFormat(&text, "  needs: [part-%05d]\n", i - 1);
    absl::StrAppendFormat(&text,
                          "  tags: [linux, x86]\n"
                          "  variables:\n"
                          "    PART: \"%d\"\n"
                          "    PREFIX: /opt/part-%d\n"
                          "  before_script:\n"
                          "    - echo \"preparing part $PART for $CI_COMMIT_REF_NAME\"\n"
                          "    - mkdir -p \"$TREE/$PART\"\n"
                          "  script:\n"
                          "    - ./configure --prefix=\"$PREFIX\" --enable-tests --quiet\n"
                          "    - make -j2 part-%d\n"
                          "    - make check LEVEL=\"$LEVEL\" PART=\"$PART\"\n"
                          "  artifacts:\n"
                          "    paths: [build/part-%d/, logs/part-%d.txt]\n"
                          "  rules:\n"
                          "    - if: $CI_COMMIT_BRANCH == \"main\"\n"
                          "    - if: $CI_PIPELINE_SOURCE == \"schedule\"\n"
                          "      when: manual\n"
                          "  timeout: 30m\n"
                          "  retry: 1\n",
                          i, i, i, i, i);
  }
  return text;
}

absl::StatusOr<absl::Duration> TimeCompile(const config::SourceFile& file, size_t jobs) {
  pipeline::TriggerFacts facts;
  facts.branch = "main";
  facts.sha = std::string(40, 'a');
  facts.project = "bench";
  facts.project_path = "bench";
  const absl::Time start = absl::Now();
  {
    const pipeline::CompileResult result = pipeline::Compile(file, config::EmptyTree(), facts);
    if (!result.graph.has_value() || result.graph->jobs.size() != jobs) {
      return absl::InternalError(
          absl::StrCat("the generated file does not compile: ",
                       result.diagnostics.empty() ? "" : result.diagnostics[0].ToString()));
    }
  }
  return absl::Now() - start;  // the result is gone, as the floor's is
}

class CompileRow : public Row {
 public:
  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    for (const int jobs : kSizes) files_.push_back({".gitlab-ci.yml", ConfigOf(jobs)});
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    return MeasureAll([](const config::SourceFile& file, int jobs) {
      return TimeCompile(file, static_cast<size_t>(jobs));
    });
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    return MeasureAll([](const config::SourceFile& file, int) { return TimeYamlLoad(file.text); });
  }

 private:
  template <typename Time>
  absl::StatusOr<Sample> MeasureAll(Time time_one) {
    Sample sample;
    for (size_t i = 0; i < files_.size(); ++i) {
      const int repeats = kJobsPerMeasurement / kSizes[i];
      double milliseconds = 0;
      for (int n = 0; n < repeats; ++n) {
        GRANGE_ASSIGN_OR_RETURN(const absl::Duration time, time_one(files_[i], kSizes[i]));
        milliseconds += absl::ToDoubleMilliseconds(time) / repeats;
      }
      sample.values.push_back(milliseconds);
    }
    // 1 is linear: ten times the jobs in ten times the time.
    sample.values.push_back(sample.values[2] / sample.values[1] / 10);
    return sample;
  }

  const Description description_ = {
      .id = "B5",
      .title = "compiling a generated file, about 600 bytes a job",
      .floor = "`YAML::Load` of the same bytes",
      .figures = {{"100 jobs", "ms", {Goal::Kind::kRatioAtMost, 1.5}},
                  {"1,000 jobs", "ms", {Goal::Kind::kRatioAtMost, 1.5}},
                  {"10,000 jobs", "ms", {Goal::Kind::kRatioAtMost, 1.5}},
                  {"time per job, 10,000 by 1,000 jobs", "", {Goal::Kind::kAtMost, 1.3}}},
      .work_unit = ""};
  std::vector<config::SourceFile> files_;
};

}  // namespace

std::unique_ptr<Row> NewCompileRow() { return std::make_unique<CompileRow>(); }

}  // namespace grange::bench
