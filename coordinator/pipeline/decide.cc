#include "coordinator/pipeline/decide.h"

#include <utility>

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

  // The word of `only` for the source.
  absl::string_view SourceWord() const {
    switch (facts_.source) {
      case PipelineSource::kPush:
        return "pushes";
      case PipelineSource::kSchedule:
        return "schedules";
      case PipelineSource::kWeb:
        return "web";
      case PipelineSource::kApi:
        return "api";
      case PipelineSource::kMergeRequest:
        return "merge_requests";
      case PipelineSource::kTrigger:
        return "triggers";
      case PipelineSource::kParentPipeline:
        return "parent_pipelines";
    }
    return "";
  }

  bool Matches(const Filter::Ref& ref) const {
    if (!ref.project.empty() && ref.project != facts_.project_path) return false;
    if (ref.pattern != nullptr) return !IsMergeRequest() && ref.pattern->Matches(RefName());
    if (ref.name == "branches") return IsBranch();
    if (ref.name == "tags") return IsTag();
    if (ref.name == SourceWord()) return true;
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

const Expression* FirstThatHolds(const Filter& filter, const Scope& scope, PatternCache& patterns) {
  for (const auto& expression : filter.variables) {
    if (expression->Evaluate(scope, patterns).holds) return expression.get();
  }
  return nullptr;
}

// `only`: refs, variables, changes and kubernetes must all allow the job.
RuleDecision DecideByOnly(const Filter& only, const Trigger& trigger, const Scope& scope,
                          PatternCache& patterns, PathConditions& paths) {
  RuleDecision decision{true, nullptr, only.place, "only"};
  if (only.has_kubernetes) {
    return {false, nullptr, only.place, "only:kubernetes: there is no cluster"};
  }
  if (only.has_refs) {
    const Filter::Ref* ref = FirstMatch(only, trigger);
    if (ref == nullptr) {
      return {false, nullptr, only.place,
              absl::StrCat("only: nothing in it matches ", trigger.Describe())};
    }
    decision.reason = absl::StrCat("only: '", ref->text, "' matches ", trigger.Describe());
  }
  if (only.has_variables) {
    const Expression* expression = FirstThatHolds(only, scope, patterns);
    if (expression == nullptr) {
      return {false, nullptr, only.place, "only:variables: no expression holds"};
    }
    absl::StrAppend(&decision.reason, ":variables: `", expression->text(), "` holds");
  }
  if (only.changes.has_value()) {
    const PathConditions::Outcome outcome = paths.Changes(*only.changes, scope);
    if (!outcome.holds) {
      return {false, nullptr, only.place, absl::StrCat("only:", outcome.reason)};
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
                        absl::StrCat("except: '", ref->text, "' matches ", trigger.Describe())};
  }
  if (const Expression* expression = FirstThatHolds(except, scope, patterns)) {
    return RuleDecision{false, nullptr, except.place,
                        absl::StrCat("except:variables: `", expression->text(), "` holds")};
  }
  if (except.changes.has_value()) {
    const PathConditions::Outcome outcome = paths.Changes(*except.changes, scope);
    if (outcome.holds) {
      return RuleDecision{false, nullptr, except.place, absl::StrCat("except:", outcome.reason)};
    }
  }
  return std::nullopt;
}

}  // namespace

RuleDecision DecideByRules(const std::vector<Rule>& rules, const config::Place& place,
                           absl::string_view keyword, const Scope& scope, PatternCache& patterns,
                           PathConditions& paths, Problems& problems) {
  for (size_t i = 0; i < rules.size(); ++i) {
    const Rule& rule = rules[i];
    std::vector<std::string> reasons;
    if (rule.condition != nullptr) {
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
    return {!rule.never, &rule, rule.place, std::move(reason)};
  }
  return {false, nullptr, place, absl::StrCat("no rule of '", keyword, "' matched")};
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
  if (has_workflow_rules) return {true, nullptr, job.place, "it has no rules"};
  if (trigger.IsMergeRequest()) {
    return {false, nullptr, job.place, "a job without rules runs for branches and tags only"};
  }
  return {true, nullptr, job.place, "it has no rules: it runs for branches and tags"};
}

}  // namespace grange::pipeline
