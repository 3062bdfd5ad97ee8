#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "coordinator/pipeline/keyword.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

using S = Section;
constexpr Support kYes = Support::kYes;
constexpr Support kDifferent = Support::kDifferent;
constexpr Support kNotYet = Support::kNotYet;
constexpr Support kReserved = Support::kReserved;

constexpr auto kKeywords = std::to_array<Keyword>({
    {S::kGlobal, "stages", kYes, "`.pre` and `.post` always exist", ParseStages},
    {S::kGlobal, "default", kYes, "copied into jobs that lack the keyword, never merged",
     ParseDefault},
    {S::kGlobal, "variables", kYes, "", ParseGlobalVariables},
    {S::kGlobal, "workflow", kYes, "", ParseWorkflow},
    {S::kGlobal, "include", kYes, "resolved before the rest is read"},
    {S::kGlobal, "before_script", kYes, "old form of `default:before_script`", ParseBeforeScript},
    {S::kGlobal, "after_script", kYes, "old form of `default:after_script`", ParseAfterScript},
    {S::kGlobal, "image", kNotYet, "", nullptr},
    {S::kGlobal, "services", kNotYet, "", nullptr},
    {S::kGlobal, "cache", kNotYet, "", nullptr},
    {S::kGlobal, "spec", kYes, "in a header: a document of its own before `---`", nullptr},
    {S::kGlobal, "types", kReserved, "GitLab's former word for `stages`", nullptr},
    {S::kGlobal, "true", kReserved, "", nullptr},
    {S::kGlobal, "false", kReserved, "", nullptr},
    {S::kGlobal, "nil", kReserved, "", nullptr},

    {S::kWorkflow, "name", kYes, "", ParseWorkflowName},
    {S::kWorkflow, "rules", kYes, "", ParseWorkflowRules},
    {S::kWorkflow, "auto_cancel", kNotYet, "", nullptr},
    {S::kWorkflowRule, "if", kYes, "", nullptr},
    {S::kWorkflowRule, "when", kYes, "always or never", nullptr},
    {S::kWorkflowRule, "variables", kYes, "", nullptr},
    {S::kWorkflowRule, "changes", kYes, "", nullptr},
    {S::kWorkflowRule, "exists", kYes, "", nullptr},
    {S::kWorkflowRule, "auto_cancel", kNotYet, "", nullptr},
    {S::kWorkflowRule, "needs", kDifferent, "no effect, as in GitLab; gives a warning", nullptr},
    {S::kWorkflowRule, "allow_failure", kDifferent, "no effect, as in GitLab; gives a warning",
     nullptr},
    {S::kWorkflowRule, "start_in", kDifferent, "no effect, as in GitLab; gives a warning", nullptr},

    {S::kDefault, "before_script", kYes, "", ParseBeforeScript},
    {S::kDefault, "after_script", kYes, "", ParseAfterScript},
    {S::kDefault, "artifacts", kYes, "", ParseArtifacts},
    {S::kDefault, "interruptible", kYes, "", ParseInterruptible},
    {S::kDefault, "retry", kYes, "", ParseRetry},
    {S::kDefault, "tags", kYes, "", ParseTags},
    {S::kDefault, "timeout", kDifferent, "no effect, as in GitLab; gives a warning",
     ParseDefaultTimeout},
    {S::kDefault, "cache", kNotYet, "", nullptr},
    {S::kDefault, "hooks", kNotYet, "", nullptr},
    {S::kDefault, "id_tokens", kNotYet, "", nullptr},
    {S::kDefault, "identity", kNotYet, "", nullptr},
    {S::kDefault, "image", kNotYet, "", nullptr},
    {S::kDefault, "services", kNotYet, "", nullptr},

    {S::kJob, "script", kYes, "", ParseScript},
    {S::kJob, "before_script", kYes, "one shell with `script`", ParseBeforeScript},
    {S::kJob, "after_script", kYes, "", ParseAfterScript},
    {S::kJob, "stage", kYes, "", ParseStage},
    {S::kJob, "variables", kYes, "", ParseJobVariables},
    {S::kJob, "rules", kYes, "", ParseRules},
    {S::kJob, "only", kYes, "", ParseOnly},
    {S::kJob, "except", kYes, "", ParseExcept},
    {S::kJob, "when", kYes, "", ParseWhen},
    {S::kJob, "start_in", kYes, "", ParseStartIn},
    {S::kJob, "allow_failure", kYes, "", ParseAllowFailure},
    {S::kJob, "needs", kYes, "", ParseNeeds},
    {S::kJob, "dependencies", kYes, "", ParseDependencies},
    {S::kJob, "tags", kYes, "variables of the pipeline are expanded", ParseTags},
    {S::kJob, "timeout", kYes, "", ParseTimeout},
    {S::kJob, "environment", kDifferent,
     "the job gets its CI_ENVIRONMENT_ variables; deployments are not recorded yet",
     ParseEnvironment},
    {S::kJob, "parallel", kYes, "", ParseParallel},
    {S::kJob, "retry", kYes, "", ParseRetry},
    {S::kJob, "artifacts", kYes, "", ParseArtifacts},
    {S::kJob, "coverage", kDifferent,
     "colour codes are removed before matching; the slashes around the regex may be left out; "
     "RE2 in multi-line mode",
     ParseCoverage},
    {S::kJob, "interruptible", kDifferent, "recorded; it acts once `workflow:auto_cancel` exists",
     ParseInterruptible},
    {S::kJob, "inherit", kYes, "", ParseInherit},
    {S::kJob, "extends", kYes, "merged before the job is read", ParseExtends},
    {S::kJob, "cache", kNotYet, "", nullptr},
    {S::kJob, "dast_configuration", kNotYet, "", nullptr},
    {S::kJob, "hooks", kNotYet, "", nullptr},
    {S::kJob, "id_tokens", kNotYet, "", nullptr},
    {S::kJob, "identity", kNotYet, "", nullptr},
    {S::kJob, "image", kNotYet, "", nullptr},
    {S::kJob, "inputs", kNotYet, "", nullptr},
    {S::kJob, "manual_confirmation", kNotYet, "", nullptr},
    {S::kJob, "pages", kNotYet, "", nullptr},
    {S::kJob, "publish", kNotYet, "", nullptr},
    {S::kJob, "release", kNotYet, "", nullptr},
    {S::kJob, "resource_group", kNotYet, "", nullptr},
    {S::kJob, "run", kNotYet, "", nullptr},
    {S::kJob, "secrets", kNotYet, "", nullptr},
    {S::kJob, "services", kNotYet, "", nullptr},
    {S::kJob, "trigger", kNotYet, "", nullptr},

    {S::kVariable, "value", kYes, "", nullptr},
    {S::kVariable, "description", kYes, "", nullptr},
    {S::kVariable, "options", kYes, "", nullptr},
    {S::kVariable, "expand", kYes, "", nullptr},
    {S::kJobVariable, "value", kYes, "", nullptr},
    {S::kJobVariable, "expand", kYes, "", nullptr},

    {S::kRule, "if", kYes, "", nullptr},
    {S::kRule, "when", kYes, "", nullptr},
    {S::kRule, "start_in", kYes, "", nullptr},
    {S::kRule, "allow_failure", kYes, "", nullptr},
    {S::kRule, "variables", kYes, "", nullptr},
    {S::kRule, "interruptible", kYes, "", nullptr},
    {S::kRule, "changes", kDifferent,
     "a push is compared with the commit of the ref's last pipeline; true where there is none",
     nullptr},
    {S::kRule, "exists", kYes, "", nullptr},
    {S::kRule, "needs", kNotYet, "", nullptr},

    {S::kChanges, "paths", kYes, "", nullptr},
    {S::kChanges, "regexp", kYes, "", nullptr},
    {S::kChanges, "compare_to", kYes, "", nullptr},
    {S::kExists, "paths", kYes, "", nullptr},
    {S::kExists, "regexp", kYes, "", nullptr},
    {S::kExists, "project", kNotYet, "", nullptr},
    {S::kExists, "ref", kNotYet, "", nullptr},

    {S::kFilter, "refs", kYes, "", nullptr},
    {S::kFilter, "variables", kYes, "", nullptr},
    {S::kFilter, "changes", kYes, "", nullptr},
    {S::kFilter, "kubernetes", kNotYet, "", nullptr},

    {S::kAllowFailure, "exit_codes", kYes, "", nullptr},

    {S::kNeed, "job", kYes, "", nullptr},
    {S::kNeed, "artifacts", kYes, "", nullptr},
    {S::kNeed, "optional", kYes, "", nullptr},
    {S::kNeed, "parallel", kYes, "", nullptr},
    {S::kNeed, "pipeline", kNotYet, "", nullptr},
    {S::kNeed, "project", kNotYet, "", nullptr},
    {S::kNeed, "ref", kNotYet, "", nullptr},

    {S::kRetry, "max", kYes, "", nullptr},
    {S::kRetry, "when", kDifferent,
     "`runner_system_failure` is any failure that is the farm's; our own words, such as "
     "`agent_lost`, are taken too; GitLab's words for what can't happen here never match",
     nullptr},
    {S::kRetry, "exit_codes", kYes, "", nullptr},

    {S::kArtifacts, "paths", kYes, "", nullptr},
    {S::kArtifacts, "exclude", kYes, "", nullptr},
    {S::kArtifacts, "when", kYes, "", nullptr},
    {S::kArtifacts, "name", kYes, "", nullptr},
    {S::kArtifacts, "access", kNotYet, "", nullptr},
    {S::kArtifacts, "expire_in", kNotYet, "", nullptr},
    {S::kArtifacts, "expose_as", kNotYet, "", nullptr},
    {S::kArtifacts, "public", kNotYet, "", nullptr},
    {S::kArtifacts, "reports", kNotYet, "", nullptr},
    {S::kArtifacts, "untracked", kNotYet, "", nullptr},

    {S::kInherit, "default", kYes, "", nullptr},
    {S::kInherit, "variables", kYes, "", nullptr},

    {S::kInclude, "local", kYes, "", nullptr},
    {S::kInclude, "rules", kYes, "", nullptr},
    {S::kIncludeRule, "if", kYes, "", nullptr},
    {S::kIncludeRule, "changes", kYes, "", nullptr},
    {S::kIncludeRule, "exists", kYes, "", nullptr},
    {S::kIncludeRule, "when", kYes, "always or never", nullptr},
    {S::kInclude, "cache", Support::kInert, "the file is fetched for each pipeline", nullptr},
    {S::kInclude, "component", Support::kDifferent,
     "HOST/PROJECT/NAME@VERSION: a project of this farm, if the host is the farm's or a listed one",
     nullptr},
    {S::kInclude, "file", kYes, "", nullptr},
    {S::kInclude, "inputs", kYes, "", nullptr},
    {S::kInclude, "integrity", kYes, "", nullptr},
    {S::kInclude, "project", Support::kDifferent,
     "another project of the farm, as it was last submitted", nullptr},
    {S::kInclude, "ref", kYes, "", nullptr},
    {S::kInclude, "remote", Support::kDifferent,
     "only from hosts that the operator lists (`--include-host`)", nullptr},
    {S::kInclude, "template", Support::kDifferent,
     "a file of the operator's folder (`--templates`)", nullptr},

    {S::kImage, "name", kNotYet, "", nullptr},
    {S::kImage, "entrypoint", kNotYet, "", nullptr},
    {S::kImage, "pull_policy", kNotYet, "", nullptr},
    {S::kImage, "docker", kNotYet, "", nullptr},
    {S::kImage, "kubernetes", kNotYet, "", nullptr},
    {S::kService, "name", kNotYet, "", nullptr},
    {S::kService, "alias", kNotYet, "", nullptr},
    {S::kService, "entrypoint", kNotYet, "", nullptr},
    {S::kService, "command", kNotYet, "", nullptr},
    {S::kService, "variables", kNotYet, "", nullptr},
    {S::kService, "pull_policy", kNotYet, "", nullptr},
    {S::kService, "docker", kNotYet, "", nullptr},
    {S::kService, "kubernetes", kNotYet, "", nullptr},
    {S::kCache, "paths", kNotYet, "", nullptr},
    {S::kCache, "key", kNotYet, "", nullptr},
    {S::kCache, "policy", kNotYet, "", nullptr},
    {S::kCache, "when", kNotYet, "", nullptr},
    {S::kCache, "untracked", kNotYet, "", nullptr},
    {S::kCache, "unprotect", kNotYet, "", nullptr},
    {S::kCache, "fallback_keys", kNotYet, "", nullptr},
    {S::kCacheKey, "files", kNotYet, "", nullptr},
    {S::kCacheKey, "files_commits", kNotYet, "", nullptr},
    {S::kCacheKey, "prefix", kNotYet, "", nullptr},
    {S::kEnvironment, "name", kYes, "", nullptr},
    {S::kEnvironment, "url", kDifferent, "variables that the job itself makes are not known in it",
     nullptr},
    {S::kEnvironment, "on_stop", kNotYet, "", nullptr},
    {S::kEnvironment, "action", kDifferent, "only told to the job, as CI_ENVIRONMENT_ACTION",
     nullptr},
    {S::kEnvironment, "auto_stop_in", kNotYet, "", nullptr},
    {S::kEnvironment, "deployment_tier", kYes, "", nullptr},
    {S::kEnvironment, "kubernetes", kNotYet, "", nullptr},
    {S::kParallel, "matrix", kYes, "", nullptr},
    {S::kTrigger, "project", kNotYet, "", nullptr},
    {S::kTrigger, "branch", kNotYet, "", nullptr},
    {S::kTrigger, "include", kNotYet, "", nullptr},
    {S::kTrigger, "strategy", kNotYet, "", nullptr},
    {S::kTrigger, "forward", kNotYet, "", nullptr},
    {S::kTrigger, "inputs", kNotYet, "", nullptr},
    {S::kRelease, "tag_name", kNotYet, "", nullptr},
    {S::kRelease, "description", kNotYet, "", nullptr},
    {S::kRelease, "name", kNotYet, "", nullptr},
    {S::kRelease, "tag_message", kNotYet, "", nullptr},
    {S::kRelease, "ref", kNotYet, "", nullptr},
    {S::kRelease, "milestones", kNotYet, "", nullptr},
    {S::kRelease, "released_at", kNotYet, "", nullptr},
    {S::kRelease, "assets", kNotYet, "", nullptr},
    {S::kReports, "accessibility", kNotYet, "", nullptr},
    {S::kReports, "annotations", kNotYet, "", nullptr},
    {S::kReports, "browser_performance", kNotYet, "", nullptr},
    {S::kReports, "codequality", kNotYet, "", nullptr},
    {S::kReports, "container_scanning", kNotYet, "", nullptr},
    {S::kReports, "coverage_report", kNotYet, "", nullptr},
    {S::kReports, "cyclonedx", kNotYet, "", nullptr},
    {S::kReports, "dast", kNotYet, "", nullptr},
    {S::kReports, "dependency_scanning", kNotYet, "", nullptr},
    {S::kReports, "dotenv", kNotYet, "", nullptr},
    {S::kReports, "junit", kNotYet, "", nullptr},
    {S::kReports, "license_management", kNotYet, "", nullptr},
    {S::kReports, "license_scanning", kNotYet, "", nullptr},
    {S::kReports, "load_performance", kNotYet, "", nullptr},
    {S::kReports, "lsif", kNotYet, "", nullptr},
    {S::kReports, "metrics", kNotYet, "", nullptr},
    {S::kReports, "repository_xray", kNotYet, "", nullptr},
    {S::kReports, "requirements", kNotYet, "", nullptr},
    {S::kReports, "sarif", kNotYet, "", nullptr},
    {S::kReports, "sast", kNotYet, "", nullptr},
    {S::kReports, "secret_detection", kNotYet, "", nullptr},
    {S::kReports, "terraform", kNotYet, "", nullptr},
    {S::kSpec, "inputs", kYes, "", nullptr},
    {S::kSpec, "include", kYes, "", nullptr},
    {S::kSpec, "component", kYes, "", nullptr},
    {S::kSpec, "description", kYes, "", nullptr},
    {S::kInput, "default", kYes, "", nullptr},
    {S::kInput, "type", kYes, "", nullptr},
    {S::kInput, "options", kYes, "", nullptr},
    {S::kInput, "regex", kYes, "", nullptr},
    {S::kInput, "description", kYes, "", nullptr},
    {S::kInput, "rules", kYes, "", nullptr},
    {S::kHooks, "pre_get_sources_script", kNotYet, "", nullptr},
    {S::kRunStep, "name", kNotYet, "", nullptr},
    {S::kRunStep, "script", kNotYet, "", nullptr},
    {S::kRunStep, "step", kNotYet, "", nullptr},
    {S::kRunStep, "func", kNotYet, "", nullptr},
    {S::kRunStep, "env", kNotYet, "", nullptr},
    {S::kRunStep, "inputs", kNotYet, "", nullptr},
    {S::kPages, "publish", kNotYet, "", nullptr},
    {S::kPages, "path_prefix", kNotYet, "", nullptr},
    {S::kPages, "expire_in", kNotYet, "", nullptr},
    {S::kSecret, "vault", kNotYet, "", nullptr},
    {S::kSecret, "azure_key_vault", kNotYet, "", nullptr},
    {S::kSecret, "gcp_secret_manager", kNotYet, "", nullptr},
    {S::kSecret, "aws_secrets_manager", kNotYet, "", nullptr},
    {S::kSecret, "gitlab_secrets_manager", kNotYet, "", nullptr},
    {S::kSecret, "file", kNotYet, "", nullptr},
    {S::kSecret, "token", kNotYet, "", nullptr},
    {S::kIdToken, "aud", kNotYet, "", nullptr},
});

using Index = absl::flat_hash_map<std::pair<Section, absl::string_view>, const Keyword*>;

const Index& TheIndex() {
  static const Index* const index = [] {
    auto* result = new Index;  // never freed: it must outlive every user
    for (const Keyword& keyword : kKeywords) (*result)[{keyword.section, keyword.name}] = &keyword;
    return result;
  }();
  return *index;
}

}  // namespace

std::span<const Keyword> Keywords() { return kKeywords; }

const Keyword* FindKeyword(Section section, absl::string_view name) {
  const auto it = TheIndex().find({section, name});
  return it == TheIndex().end() ? nullptr : it->second;
}

std::vector<std::string> KeywordNames(Section section) {
  std::vector<std::string> names;
  for (const Keyword& keyword : kKeywords) {
    if (keyword.section == section && keyword.support != Support::kReserved) {
      names.emplace_back(keyword.name);
    }
  }
  return names;
}

absl::string_view SectionOwner(Section section) {
  switch (section) {
    case S::kGlobal:
    case S::kJob:
      return "";
    case S::kWorkflow:
      return "workflow";
    case S::kWorkflowRule:
      return "workflow:rules";
    case S::kDefault:
      return "default";
    case S::kVariable:
    case S::kJobVariable:
      return "variables";
    case S::kRule:
      return "rules";
    case S::kChanges:
      return "rules:changes";
    case S::kExists:
      return "rules:exists";
    case S::kFilter:
      return "only";
    case S::kAllowFailure:
      return "allow_failure";
    case S::kNeed:
      return "needs";
    case S::kRetry:
      return "retry";
    case S::kArtifacts:
      return "artifacts";
    case S::kInherit:
      return "inherit";
    case S::kIncludeRule:
      return "include:rules";
    case S::kInclude:
      return "include";
    case S::kImage:
      return "image";
    case S::kService:
      return "services";
    case S::kCache:
      return "cache";
    case S::kCacheKey:
      return "cache:key";
    case S::kEnvironment:
      return "environment";
    case S::kParallel:
      return "parallel";
    case S::kTrigger:
      return "trigger";
    case S::kRelease:
      return "release";
    case S::kReports:
      return "artifacts:reports";
    case S::kSpec:
      return "spec";
    case S::kInput:
      return "spec:inputs";
    case S::kHooks:
      return "hooks";
    case S::kRunStep:
      return "run";
    case S::kPages:
      return "pages";
    case S::kSecret:
      return "secrets";
    case S::kIdToken:
      return "id_tokens";
  }
  return "";
}

}  // namespace grange::pipeline
