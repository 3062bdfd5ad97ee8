#include "coordinator/pipeline/decide.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace grange::pipeline {
namespace {

// What the pipeline is for, in the words of `only`.
class Trigger {
 public:
  explicit Trigger(const TriggerFacts& facts) : facts_(facts) {}

  bool IsMergeRequest() const { return facts_.source == PipelineSource::kMergeRequest; }
  bool IsTag() const { return !IsMergeRequest() && !facts_.tag.empty(); }
  bool IsBranch() const { return !IsMergeRequest() && facts_.tag.empty(); }

  const std::string& RefName() const { return facts_.tag.empty() ? facts_.branch : facts_.tag; }

  // "branch 'main'", for reasons.
  std::string Describe() const {
    if (IsMergeRequest()) return "a merge request";
    return absl::StrCat(IsTag() ? "tag" : "branch", " '", RefName(), "'");
  }

  // Whether `word` is that of `only` for the source: in the singular or the plural.
  bool IsSourceWord(absl::string_view word) const {
    absl::string_view singular, plural;
    switch (facts_.source) {
      case PipelineSource::kPush:
        singular = "push", plural = "pushes";
        break;
      case PipelineSource::kSchedule:
        singular = "schedule", plural = "schedules";
        break;
      case PipelineSource::kWeb:
        singular = plural = "web";
        break;
      case PipelineSource::kApi:
        singular = plural = "api";
        break;
      case PipelineSource::kMergeRequest:
        singular = "merge_request", plural = "merge_requests";
        break;
      case PipelineSource::kTrigger:
        singular = "trigger", plural = "triggers";
        break;
      case PipelineSource::kParentPipeline:
        singular = "parent_pipeline", plural = "parent_pipelines";
        break;
    }
    return word == singular || word == plural;
  }

  bool Matches(const Filter::Ref& ref) const {
    if (!ref.project.empty() && ref.project != facts_.project_path) return false;
    if (ref.pattern != nullptr) return !IsMergeRequest() && ref.pattern->Matches(RefName());
    if (ref.name == "branches") return IsBranch();
    if (ref.name == "tags") return IsTag();
    if (IsSourceWord(ref.name)) return true;
    return !IsMergeRequest() && ref.name == RefName();
  }

 private:
  const TriggerFacts& facts_;
};

const Filter::Ref* FirstMatch(const Filter& filter, const Trigger& trigger) {
  for (const Filter::Ref& ref : filter.refs) {
    if (trigger.Matches(ref)) return &ref;
  }
  return nullptr;
}

// Adds the variables of an expression to those that were looked at.
void NoteVariables(const Expression& expression, std::vector<std::string>& looked_at) {
  for (std::string& name : expression.VariableNames()) {
    if (std::find(looked_at.begin(), looked_at.end(), name) == looked_at.end()) {
      looked_at.push_back(std::move(name));
    }
  }
}

const Expression* FirstThatHolds(const Filter& filter, const Scope& scope, PatternCache& patterns,
                                 std::vector<std::string>& looked_at) {
  for (const auto& expression : filter.variables) {
    NoteVariables(*expression, looked_at);
    if (expression->Evaluate(scope, patterns).holds) return expression.get();
  }
  return nullptr;
}

// `only`: refs, variables, changes and kubernetes must all allow the job.
RuleDecision DecideByOnly(const Filter& only, const Trigger& trigger, const Scope& scope,
                          PatternCache& patterns, PathConditions& paths) {
  RuleDecision decision{true, nullptr, only.place, "only", {}};
  if (only.has_kubernetes) {
    return {false, nullptr, only.place, "only:kubernetes: there is no cluster", {}};
  }
  if (only.has_refs) {
    const Filter::Ref* ref = FirstMatch(only, trigger);
    if (ref == nullptr) {
      return {false, nullptr, only.place,
              absl::StrCat("only: nothing in it matches ", trigger.Describe()), {}};
    }
    decision.reason = absl::StrCat("only: '", ref->text, "' matches ", trigger.Describe());
  }
  if (only.has_variables) {
    const Expression* expression =
        FirstThatHolds(only, scope, patterns, decision.looked_at);
    if (expression == nullptr) {
      return {false, nullptr, only.place, "only:variables: no expression holds",
              std::move(decision.looked_at)};
    }
    absl::StrAppend(&decision.reason, ":variables: `", expression->text(), "` holds");
  }
  if (only.changes.has_value()) {
    const PathConditions::Outcome outcome = paths.Changes(*only.changes, scope);
    if (!outcome.holds) {
      return {false, nullptr, only.place, absl::StrCat("only:", outcome.reason),
              std::move(decision.looked_at)};
    }
    absl::StrAppend(&decision.reason, ":", outcome.reason);
  }
  return decision;
}

// `except`: refs, variables or changes keep the job out. nullopt if they don't.
std::optional<RuleDecision> DecideByExcept(const Filter& except, const Trigger& trigger,
                                           const Scope& scope, PatternCache& patterns,
                                           PathConditions& paths) {
  if (const Filter::Ref* ref = FirstMatch(except, trigger); ref != nullptr) {
    return RuleDecision{false, nullptr, except.place,
                        absl::StrCat("except: '", ref->text, "' matches ", trigger.Describe()), {}};
  }
  std::vector<std::string> looked_at;
  if (const Expression* expression = FirstThatHolds(except, scope, patterns, looked_at)) {
    return RuleDecision{false, nullptr, except.place,
                        absl::StrCat("except:variables: `", expression->text(), "` holds"),
                        std::move(looked_at)};
  }
  if (except.changes.has_value()) {
    const PathConditions::Outcome outcome = paths.Changes(*except.changes, scope);
    if (outcome.holds) {
      return RuleDecision{false, nullptr, except.place, absl::StrCat("except:", outcome.reason),
                          std::move(looked_at)};
    }
  }
  return std::nullopt;
}

}  // namespace

RuleDecision DecideByRules(const std::vector<Rule>& rules, const config::Place& place,
                           absl::string_view keyword, const Scope& scope, PatternCache& patterns,
                           PathConditions& paths, Problems& problems) {
  std::vector<std::string> looked_at;
  for (size_t i = 0; i < rules.size(); ++i) {
    const Rule& rule = rules[i];
    std::vector<std::string> reasons;
    if (rule.condition != nullptr) {
      NoteVariables(*rule.condition, looked_at);
      const Expression::Outcome outcome = rule.condition->Evaluate(scope, patterns);
      if (outcome.hidden_by_empty) {
        problems.Warning(rule.place,
                         absl::StrCat("`", rule.condition->text(), "` does not hold although its ",
                                      "right side does: a variable that is defined but empty ends ",
                                      "'||'; compare it, as in $NAME != \"\""));
      }
      if (!outcome.holds) continue;
      reasons.push_back(absl::StrCat("`", rule.condition->text(), "` holds"));
    }
    if (rule.changes.has_value()) {
      PathConditions::Outcome outcome = paths.Changes(*rule.changes, scope);
      if (!outcome.holds) continue;
      reasons.push_back(std::move(outcome.reason));
    }
    if (rule.exists.has_value()) {
      PathConditions::Outcome outcome = paths.Exists(*rule.exists, scope);
      if (!outcome.holds) continue;
      reasons.push_back(std::move(outcome.reason));
    }
    if (reasons.empty()) reasons.emplace_back("it has no condition");
    std::string reason = absl::StrCat(keyword, "[", i, "]: ", absl::StrJoin(reasons, ", "));
    if (rule.never) reason += ", with 'when: never'";
    return {!rule.never, &rule, rule.place, std::move(reason), std::move(looked_at)};
  }
  return {false, nullptr, place, absl::StrCat("no rule of '", keyword, "' matched"),
          std::move(looked_at)};
}

RuleDecision DecideByFilters(const JobDraft& job, bool has_workflow_rules,
                             const TriggerFacts& facts, const Scope& scope, PatternCache& patterns,
                             PathConditions& paths) {
  const Trigger trigger(facts);
  if (job.except.has_value()) {
    std::optional<RuleDecision> out = DecideByExcept(*job.except, trigger, scope, patterns, paths);
    if (out.has_value()) return *std::move(out);
  }
  if (job.only.has_value()) return DecideByOnly(*job.only, trigger, scope, patterns, paths);
  if (has_workflow_rules) return {true, nullptr, job.place, "it has no rules", {}};
  if (trigger.IsMergeRequest()) {
    return {false, nullptr, job.place, "a job without rules runs for branches and tags only", {}};
  }
  return {true, nullptr, job.place, "it has no rules: it runs for branches and tags", {}};
}

}  // namespace grange::pipeline
