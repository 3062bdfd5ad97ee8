#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/text/edit_distance.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/slug.h"

namespace grange::pipeline {
namespace {

constexpr absl::string_view kNoCommit = "0000000000000000000000000000000000000000";
constexpr size_t kShortShaLength = 8;

struct SourceWords {
  PipelineSource source;
  absl::string_view name;   // of CI_PIPELINE_SOURCE
  absl::string_view event;  // of `grangectl --event`
};

constexpr std::array<SourceWords, 7> kSources = {{
    {PipelineSource::kPush, "push", "push"},
    {PipelineSource::kSchedule, "schedule", "schedule"},
    {PipelineSource::kWeb, "web", "web"},
    {PipelineSource::kApi, "api", "api"},
    {PipelineSource::kMergeRequest, "merge_request_event", "merge_request"},
    {PipelineSource::kTrigger, "trigger", "trigger"},
    {PipelineSource::kParentPipeline, "parent_pipeline", "parent_pipeline"},
}};

using Variables = std::map<std::string, std::string>;

void AddCommit(const TriggerFacts& facts, Variables& variables) {
  if (!facts.sha.empty()) {
    variables["CI_COMMIT_SHA"] = facts.sha;
    variables["CI_COMMIT_SHORT_SHA"] = facts.sha.substr(0, kShortShaLength);
  }
  variables["CI_COMMIT_BEFORE_SHA"] =
      facts.before_sha.empty() ? std::string(kNoCommit) : facts.before_sha;
  const bool merge_request = facts.source == PipelineSource::kMergeRequest;
  const std::string& ref = facts.tag.empty() ? facts.branch : facts.tag;
  if (!ref.empty()) {
    variables["CI_COMMIT_REF_NAME"] = ref;
    variables["CI_COMMIT_REF_SLUG"] = Slug(ref);
  }
  variables["CI_COMMIT_REF_PROTECTED"] = "false";
  if (!facts.branch.empty() && facts.tag.empty() && !merge_request) {
    variables["CI_COMMIT_BRANCH"] = facts.branch;
  }
  if (!facts.tag.empty() && !merge_request) variables["CI_COMMIT_TAG"] = facts.tag;

  variables["CI_COMMIT_TITLE"] = facts.commit_title;
  variables["CI_COMMIT_MESSAGE"] = facts.commit_message;
  const size_t title_end = facts.commit_message.find('\n');
  std::string description;
  if (title_end != std::string::npos) {
    description = std::string(absl::StripLeadingAsciiWhitespace(
        absl::string_view(facts.commit_message).substr(title_end)));
  }
  variables["CI_COMMIT_DESCRIPTION"] = description;
  variables["CI_COMMIT_AUTHOR"] = facts.commit_author;
  variables["CI_COMMIT_TIMESTAMP"] = facts.commit_timestamp;
}

void AddProject(const TriggerFacts& facts, Variables& variables) {
  const std::string path = facts.project_path.empty() ? facts.project : facts.project_path;
  variables["CI_PROJECT_NAME"] = facts.project;
  variables["CI_PROJECT_TITLE"] = facts.project;
  variables["CI_PROJECT_PATH"] = path;
  variables["CI_PROJECT_PATH_SLUG"] = Slug(path);
  const size_t slash = path.rfind('/');
  const std::string space = slash == std::string::npos ? "" : path.substr(0, slash);
  variables["CI_PROJECT_NAMESPACE"] = space;
  variables["CI_PROJECT_ROOT_NAMESPACE"] = space.substr(0, space.find('/'));
  variables["CI_DEFAULT_BRANCH"] = facts.default_branch;
}

void AddServer(Variables& variables) {
  variables["CI"] = "true";
  variables["GITLAB_CI"] = "true";
  variables["CI_SERVER_NAME"] = "Grange";
  variables["CI_SERVER_VERSION"] = GRANGE_VERSION;
  const std::vector<std::string> version = absl::StrSplit(GRANGE_VERSION, '.');
  variables["CI_SERVER_VERSION_MAJOR"] = version[0];
  if (version.size() > 1) variables["CI_SERVER_VERSION_MINOR"] = version[1];
  if (version.size() > 2) variables["CI_SERVER_VERSION_PATCH"] = version[2];
}

}  // namespace

absl::string_view PipelineSourceName(PipelineSource source) {
  for (const SourceWords& words : kSources) {
    if (words.source == source) return words.name;
  }
  return "";
}

absl::StatusOr<PipelineSource> ParsePipelineSource(absl::string_view name) {
  std::vector<std::string> events;
  for (const SourceWords& words : kSources) {
    if (name == words.name || name == words.event) return words.source;
    events.emplace_back(words.event);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "there is no event '", name, "'; take push, schedule, web, api, merge_request, trigger or ",
      "parent_pipeline", text::DidYouMean(name, events)));
}

std::vector<std::pair<std::string, std::string>> PredefinedVariables(const TriggerFacts& facts) {
  Variables variables;
  AddServer(variables);
  AddCommit(facts, variables);
  AddProject(facts, variables);
  variables["CI_CONFIG_PATH"] = ".gitlab-ci.yml";
  variables["CI_PIPELINE_SOURCE"] = std::string(PipelineSourceName(facts.source));
  if (facts.source == PipelineSource::kTrigger) variables["CI_PIPELINE_TRIGGERED"] = "true";
  for (const auto& [name, value] : facts.predefined) variables[name] = value;
  return {variables.begin(), variables.end()};
}

}  // namespace grange::pipeline
