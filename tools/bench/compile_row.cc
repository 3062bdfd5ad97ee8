// B5: from a file's text to the jobs of a pipeline.
#include <malloc.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "coordinator/pipeline/compile.h"
#include "tools/bench/rows.h"
#include "tools/bench/yaml_floor.h"

namespace grange::bench {
namespace {

constexpr size_t kSizes[] = {100, 1000, 10'000};
// Short measurements are repeated within a round, so that each has about the same length.
constexpr size_t kJobsPerMeasurement = 10'000;

// A file, and how many jobs its pipeline has.
struct Input {
  config::SourceFile file;
  size_t jobs = 0;
};

// Jobs as people write them, about 600 bytes each: all extend a hidden one, every third needs an
// earlier one, every tenth is a matrix of two.
Input InputOf(size_t jobs) {
  std::string text =
      "stages: [build, test]\nvariables:\n  TREE: /srv/tree\n  LEVEL: \"2\"\n"
      "\n.part:\n"
      "  tags: [linux, x86]\n"
      "  timeout: 30m\n"
      "  retry: 1\n"
      "  before_script:\n"
      "    - echo \"preparing part $PART for $CI_COMMIT_REF_NAME\"\n"
      "    - mkdir -p \"$TREE/$PART\"\n";
  size_t made = 0;
  for (size_t i = 1; made < jobs; ++i) {
    const bool in_tests = i % 3 == 0;
    const bool matrix = i % 10 == 1 && made + 2 <= jobs;
    absl::StrAppendFormat(&text,
                          "\npart-%05d:\n"
                          "  extends: .part\n"
                          "  stage: %s\n",
                          i, in_tests ? "test" : "build");
    if (in_tests) absl::StrAppendFormat(&text, "  needs: [part-%05d]\n", i - 1);
    if (matrix) text += "  parallel:\n    matrix:\n      - COMPILER: [gcc, clang]\n";
    absl::StrAppendFormat(&text,
                          "  variables:\n"
                          "    PART: \"%d\"\n"
                          "    PREFIX: /opt/part-%d\n"
                          "  script:\n"
                          "    - ./configure --prefix=\"$PREFIX\" --enable-tests --quiet\n"
                          "    - make -j2 part-%d\n"
                          "    - make check LEVEL=\"$LEVEL\" PART=\"$PART\"\n"
                          "  artifacts:\n"
                          "    paths: [build/part-%d/, logs/part-%d.txt]\n"
                          "  rules:\n"
                          "    - if: $CI_COMMIT_BRANCH == \"main\"\n"
                          "    - if: $CI_PIPELINE_SOURCE == \"schedule\"\n"
                          "      when: manual\n",
                          i, i, i, i, i);
    made += matrix ? 2 : 1;
  }
  return {{".gitlab-ci.yml", std::move(text)}, made};
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

// A line such as "VmHWM:   1234 kB" of /proc/self/status, in MiB.
absl::StatusOr<double> OwnMemory(absl::string_view name) {
  GRANGE_ASSIGN_OR_RETURN(const std::string status, os::ReadFile("/proc/self/status", 1 << 16));
  for (const absl::string_view line : absl::StrSplit(status, '\n')) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t:"), absl::SkipEmpty());
    int64_t kilobytes = 0;
    if (words.size() >= 2 && words[0] == name && absl::SimpleAtoi(words[1], &kilobytes)) {
      return static_cast<double>(kilobytes) / 1024;
    }
  }
  return absl::InternalError(absl::StrCat("/proc/self/status has no ", name));
}

// What a compilation of `input` adds to the process at its highest, in MiB.
absl::StatusOr<double> MemoryOfCompile(const Input& input) {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
  GRANGE_ASSIGN_OR_RETURN(const double before, OwnMemory("VmRSS"));
  GRANGE_RETURN_IF_ERROR(TimeCompile(input.file, input.jobs).status());
  GRANGE_ASSIGN_OR_RETURN(const double peak, OwnMemory("VmHWM"));
  return peak - before;
}

constexpr int kRatioRows = 3;

class CompileRow : public Row {
 public:
  using TimeText = absl::StatusOr<absl::Duration> (*)(const std::string& text);

  CompileRow(std::string title, std::string floor, TimeText time_floor, Goal goal)
      : time_floor_(time_floor),
        description_{.id = "B5",
                     .title = std::move(title),
                     .floor = std::move(floor),
                     .figures = {{"100 jobs", "ms", goal},
                                 {"1,000 jobs", "ms", goal},
                                 {"10,000 jobs", "ms", goal},
                                 {"10,000 by 1,000 jobs", "", {Goal::Kind::kAtMost, 12}},
                                 {"memory for 1,000 jobs", "MiB", {Goal::Kind::kAtMost, 64}}},
                     .work_unit = ""} {}

  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    for (const size_t jobs : kSizes) inputs_.push_back(InputOf(jobs));
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    GRANGE_ASSIGN_OR_RETURN(Sample sample, MeasureAll([](const Input& input) {
      return TimeCompile(input.file, input.jobs);
    }));
    GRANGE_ASSIGN_OR_RETURN(const double memory, MemoryOfCompile(inputs_[1]));
    sample.values.push_back(memory);
    return sample;
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    GRANGE_ASSIGN_OR_RETURN(Sample sample, MeasureAll([this](const Input& input) {
      return time_floor_(input.file.text);
    }));
    sample.values.resize(kRatioRows);
    return sample;
  }

 private:
  template <typename Time>
  absl::StatusOr<Sample> MeasureAll(Time time_one) {
    Sample sample;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const size_t repeats = kJobsPerMeasurement / kSizes[i];
      double milliseconds = 0;
      for (size_t n = 0; n < repeats; ++n) {
        GRANGE_ASSIGN_OR_RETURN(const absl::Duration time, time_one(inputs_[i]));
        milliseconds += absl::ToDoubleMilliseconds(time) / static_cast<double>(repeats);
      }
      sample.values.push_back(milliseconds);
    }
    sample.values.push_back(sample.values[2] / sample.values[1]);
    return sample;
  }

  const TimeText time_floor_;
  const Description description_;
  std::vector<Input> inputs_;
};

}  // namespace

std::unique_ptr<Row> NewCompileRow() {
  return std::make_unique<CompileRow>("compiling a generated file, about 600 bytes a job",
                                      "`YAML::Load` of the same bytes", &TimeYamlLoad,
                                      Goal{Goal::Kind::kRatioAtMost, 1.5});
}

std::unique_ptr<Row> NewCompileEventsRow() {
  return std::make_unique<CompileRow>("the same, beside the events of libyaml",
                                      "libyaml's events of the same bytes", &TimeYamlEvents,
                                      Goal{});
}

}  // namespace grange::bench
