#include "coordinator/pipeline/undefined_variables.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/text/edit_distance.h"
#include "common/text/expand.h"

namespace grange::pipeline {
namespace {

// What GitLab predefines for some event; TriggerFacts have those of this pipeline's event only.
// https://docs.gitlab.com/ci/variables/predefined_variables/
constexpr absl::string_view kPredefinedNames[] = {
    "CHAT_CHANNEL", "CHAT_INPUT", "CHAT_USER_ID", "CI", "CI_API_GRAPHQL_URL", "CI_API_V4_URL",
    "CI_BUILDS_DIR", "CI_COMMIT_AUTHOR", "CI_COMMIT_BEFORE_SHA", "CI_COMMIT_BRANCH",
    "CI_COMMIT_DESCRIPTION", "CI_COMMIT_MESSAGE", "CI_COMMIT_REF_NAME", "CI_COMMIT_REF_PROTECTED",
    "CI_COMMIT_REF_SLUG", "CI_COMMIT_SHA", "CI_COMMIT_SHORT_SHA", "CI_COMMIT_TAG",
    "CI_COMMIT_TAG_MESSAGE", "CI_COMMIT_TIMESTAMP", "CI_COMMIT_TITLE", "CI_CONCURRENT_ID",
    "CI_CONCURRENT_PROJECT_ID", "CI_CONFIG_PATH", "CI_DEBUG_SERVICES", "CI_DEBUG_TRACE",
    "CI_DEFAULT_BRANCH", "CI_DEFAULT_BRANCH_SLUG", "CI_DEPLOY_FREEZE", "CI_DEPLOY_PASSWORD",
    "CI_DEPLOY_USER", "CI_DISPOSABLE_ENVIRONMENT", "CI_ENVIRONMENT_ACTION", "CI_ENVIRONMENT_ID",
    "CI_ENVIRONMENT_NAME", "CI_ENVIRONMENT_SLUG", "CI_ENVIRONMENT_TIER", "CI_ENVIRONMENT_URL",
    "CI_GITLAB_FIPS_MODE", "CI_HAS_OPEN_REQUIREMENTS", "CI_JOB_GROUP_NAME", "CI_JOB_ID",
    "CI_JOB_IMAGE", "CI_JOB_MANUAL", "CI_JOB_NAME", "CI_JOB_NAME_SLUG", "CI_JOB_STAGE",
    "CI_JOB_STARTED_AT", "CI_JOB_STATUS", "CI_JOB_TIMEOUT", "CI_JOB_TOKEN", "CI_JOB_URL",
    "CI_KUBERNETES_ACTIVE", "CI_NODE_INDEX", "CI_NODE_TOTAL", "CI_OPEN_MERGE_REQUESTS",
    "CI_PIPELINE_CREATED_AT", "CI_PIPELINE_ID", "CI_PIPELINE_IID", "CI_PIPELINE_NAME",
    "CI_PIPELINE_SCHEDULE_DESCRIPTION", "CI_PIPELINE_SOURCE", "CI_PIPELINE_TRIGGERED",
    "CI_PIPELINE_URL", "CI_PROJECT_CLASSIFICATION_LABEL", "CI_PROJECT_DESCRIPTION",
    "CI_PROJECT_DIR", "CI_PROJECT_ID", "CI_PROJECT_NAME", "CI_PROJECT_NAMESPACE",
    "CI_PROJECT_NAMESPACE_ID", "CI_PROJECT_NAMESPACE_SLUG", "CI_PROJECT_PATH",
    "CI_PROJECT_PATH_SLUG", "CI_PROJECT_REPOSITORY_LANGUAGES", "CI_PROJECT_ROOT_NAMESPACE",
    "CI_PROJECT_TITLE", "CI_PROJECT_TOPICS", "CI_PROJECT_URL", "CI_PROJECT_VISIBILITY",
    "CI_RELEASE_DESCRIPTION", "CI_REPOSITORY_URL", "CI_SERVER", "CI_SHARED_ENVIRONMENT",
    "CI_TEMPLATE_REGISTRY_HOST", "CI_TRIGGER_SHORT_TOKEN", "CI_UPSTREAM_PIPELINE_ID", "GITLAB_CI",
    "GITLAB_FEATURES", "GITLAB_USER_EMAIL", "GITLAB_USER_ID", "GITLAB_USER_LOGIN",
    "GITLAB_USER_NAME", "KUBECONFIG", "TRIGGER_PAYLOAD"};

// Families of predefined names that are not listed one by one.
constexpr absl::string_view kPredefinedFamilies[] = {
    "CI_DEPENDENCY_PROXY_", "CI_EXTERNAL_PULL_REQUEST_", "CI_MERGE_REQUEST_", "CI_PAGES_",
    "CI_REGISTRY",          "CI_RUNNER_",                "CI_SERVER_"};

bool IsPredefined(absl::string_view name) {
  const auto starts = [name](absl::string_view family) { return absl::StartsWith(name, family); };
  return std::find(std::begin(kPredefinedNames), std::end(kPredefinedNames), name) !=
             std::end(kPredefinedNames) ||
         std::any_of(std::begin(kPredefinedFamilies), std::end(kPredefinedFamilies), starts);
}

class Warner {
 public:
  Warner(const FileDraft& file, const TriggerFacts& facts, Problems& problems)
      : problems_(problems) {
    for (const auto& [name, value] : PredefinedVariables(facts)) defined_.insert(name);
    for (const auto& [name, value] : facts.project_variables) defined_.insert(name);
    for (const auto& [name, value] : facts.pipeline_variables) defined_.insert(name);
    Define(file.variables);
    Define(file.workflow_rules);
    for (const JobDraft& job : file.jobs) {
      Define(job.variables);
      if (job.rules.has_value()) Define(*job.rules);
    }
  }

  // The variables in a text that the compiler expands; `where` is for the message: "job 'a':
  // 'environment'".
  void Expanded(absl::string_view text, const config::Place& place, const std::string& where) {
    if (!absl::StrContains(text, '$')) return;
    text::Expand(
        text,
        [&](absl::string_view name) -> std::optional<std::string> {
          if (IsNew(name)) {
            problems_.Warning(place, absl::StrCat(where, " has '$", name, "', which is defined ",
                                                  "nowhere and so stays as it is", Meant(name)));
          }
          return std::nullopt;
        },
        text::Unknown::kKeep);
  }

  void Condition(const Expression* condition, const config::Place& place) {
    if (condition == nullptr) return;
    for (const std::string& name : condition->VariableNames()) {
      if (warned_.contains(name) || IsDefined(name)) continue;
      const std::string meant = Meant(name);
      const bool looks_predefined = absl::StartsWith(name, "CI_");
      if (meant.empty() && !looks_predefined) continue;
      warned_.insert(name);
      problems_.Warning(place, absl::StrCat("'$", name, "' in `", condition->text(),
                                            "` is defined nowhere, so it is null", meant));
    }
  }

  void Conditions(const std::vector<Rule>& rules, const std::string& where) {
    for (const Rule& rule : rules) {
      Condition(rule.condition.get(), rule.place);
      Paths(rule.changes, where + "'changes'");
      Paths(rule.exists, where + "'exists'");
    }
  }

  void Conditions(const std::optional<Filter>& filter) {
    if (!filter.has_value()) return;
    for (const auto& expression : filter->variables) Condition(expression.get(), filter->place);
  }

 private:
  void Define(const std::vector<Variable>& variables) {
    for (const Variable& variable : variables) {
      if (defined_.insert(variable.name).second) names_.push_back(variable.name);
    }
  }
  void Define(const std::vector<Rule>& rules) {
    for (const Rule& rule : rules) Define(rule.variables);
  }

  void Paths(const std::optional<PathCondition>& condition, const std::string& where) {
    if (!condition.has_value()) return;
    for (const std::string& glob : condition->globs) Expanded(glob, condition->place, where);
    for (const std::string& text : {condition->compare_to, condition->project, condition->ref}) {
      Expanded(text, condition->place, where);
    }
  }

  bool IsDefined(absl::string_view name) const {
    return defined_.contains(name) || IsPredefined(name);
  }
  bool IsNew(absl::string_view name) {
    return !IsDefined(name) && warned_.insert(std::string(name)).second;
  }

  // "; did you mean 'CI_COMMIT_TAG'?" if one letter is wrong, as longer differences are other names
  // (DEPLOY_DEV, DEPLOY_ENV); among predefined names, which nobody else makes, the nearest.
  std::string Meant(absl::string_view name) {
    if (!problems_.WantsSuggestion()) return "";
    if (absl::StartsWith(name, "CI_")) {
      return problems_.DidYouMean(name, {std::begin(kPredefinedNames), std::end(kPredefinedNames)});
    }
    std::vector<std::string> near;
    for (const std::string& other : names_) {
      if (text::IsOneSlipFrom(name, other)) near.push_back(other);
    }
    return near.empty() ? "" : problems_.DidYouMean(name, near);
  }

  Problems& problems_;
  absl::flat_hash_set<std::string> defined_;
  std::vector<std::string> names_;  // of `defined_`, those of the files
  absl::flat_hash_set<std::string> warned_;
};

}  // namespace

void WarnOfUndefinedVariables(const FileDraft& file, const TriggerFacts& facts,
                              Problems& problems) {
  Warner warner(file, facts, problems);
  warner.Conditions(file.workflow_rules, "'workflow:rules': ");
  for (const JobDraft& job : file.jobs) {
    const std::string about = absl::StrCat("job '", job.name, "': ");
    if (job.rules.has_value()) warner.Conditions(*job.rules, about);
    warner.Conditions(job.only);
    warner.Conditions(job.except);
    if (job.environment.has_value()) {
      warner.Expanded(job.environment->name, job.environment->place, about + "'environment'");
    }
    if (job.resource_group.has_value()) {
      warner.Expanded(job.resource_group->name, job.resource_group->place,
                      about + "'resource_group'");
    }
    for (const ExternalNeedDraft& need : job.external_needs) {
      for (const std::string& text : {need.need.project, need.need.ref, need.need.pipeline}) {
        warner.Expanded(text, need.place, about + "'needs'");
      }
    }
    if (job.trigger.has_value()) {
      for (const std::string& text : {job.trigger->project, job.trigger->branch}) {
        warner.Expanded(text, job.place, about + "'trigger'");
      }
    }
  }
}

}  // namespace grange::pipeline
