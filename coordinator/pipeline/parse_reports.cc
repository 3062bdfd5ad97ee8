#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

// The others take a list too.
constexpr std::array<absl::string_view, 3> kOfOnePath = {"accessibility", "annotations",
                                                         "browser_performance"};

void ReadCoverage(ParseContext& context, const config::Value& map, Artifacts& artifacts) {
  constexpr absl::string_view kKeyword = "artifacts:reports:coverage_report";
  if (!map.IsMap()) {
    return context.WrongType(map, kKeyword, "a map with 'coverage_format' and 'path'");
  }
  Artifacts::Coverage coverage;
  for (const config::Entry& key : map.entries) {
    const std::string keyword = absl::StrCat(kKeyword, ":", key.key);
    if (key.key == "coverage_format") {
      coverage.format = context.Word(*key.value, keyword, {"cobertura", "jacoco"}).value_or("");
    } else if (key.key == "path") {
      coverage.path = context.PlainText(*key.value, keyword).value_or("");
    } else {
      context.Error(
          key.key_place,
          absl::StrCat("unknown keyword '", key.key, "' in '", kKeyword, "'",
                       context.problems.DidYouMean(key.key, {"coverage_format", "path"})));
    }
  }
  for (const absl::string_view name : {"coverage_format", "path"}) {
    if (map.Find(name) == nullptr) {
      context.Error(map.place, absl::StrCat("'", kKeyword, "' needs a '", name, "'"));
    }
  }
  artifacts.coverage_report = std::move(coverage);
}

}  // namespace

void ReadReports(ParseContext& context, const config::Value& map, Artifacts& artifacts) {
  if (!map.IsMap()) {
    return context.WrongType(map, "artifacts:reports", "a map such as {junit: report.xml}");
  }
  context.CheckKeys(map, Section::kReports);
  for (const config::Entry& key : map.entries) {
    if (key.value->IsNull() || FindKeyword(Section::kReports, key.key) == nullptr) continue;
    if (key.key == "coverage_report") {
      ReadCoverage(context, *key.value, artifacts);
      continue;
    }
    const std::string keyword = absl::StrCat("artifacts:reports:", key.key);
    if (std::find(kOfOnePath.begin(), kOfOnePath.end(), key.key) != kOfOnePath.end()) {
      const std::optional<std::string> path = context.PlainText(*key.value, keyword);
      if (path.has_value()) artifacts.reports.push_back({key.key, {*path}});
    } else {
      std::optional<std::vector<std::string>> paths = context.PlainTexts(*key.value, keyword);
      if (paths.has_value()) artifacts.reports.emplace_back(key.key, *std::move(paths));
    }
  }
}

}  // namespace grange::pipeline
