#include "coordinator/pipeline/keyword.h"

#include <utility>

#include "absl/container/flat_hash_map.h"

namespace grange::pipeline {
namespace {

using Index = absl::flat_hash_map<std::pair<Section, absl::string_view>, const Keyword*>;

const Index& TheIndex() {
  static const Index* const index = [] {
    auto* result = new Index;  // never freed: it must outlive every user
    for (const Keyword& keyword : Keywords()) (*result)[{keyword.section, keyword.name}] = &keyword;
    return result;
  }();
  return *index;
}

}  // namespace

const Keyword* FindKeyword(Section section, absl::string_view name) {
  const auto it = TheIndex().find({section, name});
  return it == TheIndex().end() ? nullptr : it->second;
}

std::vector<std::string> KeywordNames(Section section) {
  std::vector<std::string> names;
  for (const Keyword& keyword : Keywords()) {
    if (keyword.section == section && keyword.support != Support::kReserved) {
      names.emplace_back(keyword.name);
    }
  }
  return names;
}

absl::string_view SectionOwner(Section section) {
  switch (section) {
    case Section::kGlobal:
    case Section::kJob:
      return "";
    case Section::kWorkflow:
      return "workflow";
    case Section::kAutoCancel:
      return "workflow:auto_cancel";
    case Section::kWorkflowRule:
      return "workflow:rules";
    case Section::kDefault:
      return "default";
    case Section::kVariable:
    case Section::kJobVariable:
      return "variables";
    case Section::kRule:
      return "rules";
    case Section::kChanges:
      return "rules:changes";
    case Section::kExists:
      return "rules:exists";
    case Section::kFilter:
      return "only";
    case Section::kAllowFailure:
      return "allow_failure";
    case Section::kNeed:
      return "needs";
    case Section::kRetry:
      return "retry";
    case Section::kArtifacts:
      return "artifacts";
    case Section::kInherit:
      return "inherit";
    case Section::kIncludeRule:
      return "include:rules";
    case Section::kInclude:
      return "include";
    case Section::kImage:
      return "image";
    case Section::kService:
      return "services";
    case Section::kCache:
      return "cache";
    case Section::kCacheKey:
      return "cache:key";
    case Section::kEnvironment:
      return "environment";
    case Section::kParallel:
      return "parallel";
    case Section::kTrigger:
      return "trigger";
    case Section::kTriggerInclude:
      return "trigger:include";
    case Section::kForward:
      return "trigger:forward";
    case Section::kRelease:
      return "release";
    case Section::kReports:
      return "artifacts:reports";
    case Section::kSpec:
      return "spec";
    case Section::kInput:
      return "spec:inputs";
    case Section::kHooks:
      return "hooks";
    case Section::kRunStep:
      return "run";
    case Section::kPages:
      return "pages";
    case Section::kSecret:
      return "secrets";
    case Section::kIdToken:
      return "id_tokens";
    case Section::kJobInput:
      return "inputs";
    case Section::kDast:
      return "dast_configuration";
  }
  return "";
}

}  // namespace grange::pipeline
