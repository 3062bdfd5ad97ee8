#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

constexpr absl::string_view kWhenWords = "on_success, on_failure, always, manual, delayed or never";

void ReadWhen(ParseContext& context, const config::Value& value, Rule& rule) {
  const absl::StatusOr<lifecycle::When> when = lifecycle::ParseWhen(value.text);
  if (value.IsText() && value.text == "never") {
    rule.never = true;
  } else if (value.IsText() && when.ok()) {
    rule.when = *when;
  } else if (value.IsScalar()) {
    context.Error(value.place,
                  absl::StrCat("'rules:when' takes ", kWhenWords, ", not '", value.text, "'"));
  } else {
    context.WrongType(value, "rules:when", kWhenWords);
  }
}

void ReadRuleKey(ParseContext& context, const config::Entry& entry, Rule& rule) {
  if (entry.key == "if") {
    rule.condition = context.Condition(*entry.value, "rules:if");
  } else if (entry.key == "changes") {
    rule.changes = ReadPathCondition(context, entry, "rules", Section::kChanges);
  } else if (entry.key == "exists") {
    rule.exists = ReadPathCondition(context, entry, "rules", Section::kExists);
  } else if (entry.key == "when") {
    ReadWhen(context, *entry.value, rule);
  } else if (entry.key == "start_in") {
    rule.start_in = ReadStartIn(context, *entry.value);
  } else if (entry.key == "allow_failure") {
    rule.allow_failure = ReadAllowFailure(context, *entry.value);
  } else if (entry.key == "interruptible") {
    rule.interruptible = context.Bool(*entry.value, "rules:interruptible");
  } else if (entry.key == "needs") {
    rule.needs = ReadRuleNeeds(context, entry);
  } else if (entry.key == "auto_cancel") {
    rule.auto_cancel = ReadAutoCancel(context, entry, "workflow:rules");
  } else if (entry.key == "variables") {
    rule.variables = ReadVariables(context, *entry.value, Section::kJobVariable);
  }
}

// The entries of a list of rules that are maps; the others are reported.
std::vector<const config::Value*> ReadRuleMaps(ParseContext& context, const config::Entry& entry,
                                               absl::string_view keyword) {
  std::vector<const config::Value*> values, maps;
  if (!entry.value->IsList()) {
    context.WrongType(*entry.value, keyword, "a list of rules");
    return maps;
  }
  if (!context.Flatten(*entry.value, keyword, values)) return maps;
  if (values.empty()) {
    context.Error(entry.value->place,
                  absl::StrCat("'", keyword, "' is empty; remove it, or add a rule such as ",
                               "'- when: always'"));
  }
  for (const config::Value* value : values) {
    if (value->IsMap()) {
      maps.push_back(value);
    } else {
      context.Error(value->place, absl::StrCat("an entry of '", keyword, "' is a map such as {if: $CI_COMMIT_TAG}, ",
                                               "but this is ", value->KindName()));
    }
  }
  return maps;
}

// As GitLab warns: in a pipeline that no other rule knows the last one still lets the job in, so
// that one push can make two pipelines with it.
void CheckLastRule(ParseContext& context, const std::vector<Rule>& rules) {
  if (rules.size() < 2 || context.file.has_workflow_rules) return;
  const Rule& last = rules.back();
  const bool conditional =
      last.condition != nullptr || last.changes.has_value() || last.exists.has_value();
  if (conditional || last.never || !last.when.has_value()) return;
  context.Warning(last.place,
                  "the last of its 'rules' has only 'when', so the job is in all pipelines that no "
                  "other rule matches: one push can make two, for a branch and for its merge "
                  "request; add 'workflow:rules', or an 'if' to the rule");
}

void CheckDelay(ParseContext& context, const config::Value& map, const Rule& rule) {
  const config::Entry* start_in = map.Find("start_in");
  const bool delayed = rule.when == lifecycle::When::kDelayed;
  if (delayed && start_in == nullptr) {
    context.Error(map.Find("when")->key_place, "'when: delayed' needs 'start_in' in the same rule");
  } else if (!delayed && start_in != nullptr) {
    context.Error(start_in->key_place, "'start_in' needs 'when: delayed' in the same rule");
  }
}

}  // namespace

void ParseRules(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  std::vector<Rule> rules;
  for (const config::Value* map : ReadRuleMaps(context, entry, "rules")) {
    Rule rule;
    rule.place = map->place;
    context.CheckKeys(*map, Section::kRule);
    for (const config::Entry& key : map->entries) ReadRuleKey(context, key, rule);
    CheckDelay(context, *map, rule);
    rules.push_back(std::move(rule));
  }
  CheckLastRule(context, rules);
  context.job->rules = std::move(rules);
  context.job->rules_place = entry.key_place;
}

std::vector<Rule> ReadIncludeRules(ParseContext& context, const config::Entry& entry) {
  std::vector<Rule> rules;
  for (const config::Value* map : ReadRuleMaps(context, entry, "include:rules")) {
    Rule rule;
    rule.place = map->place;
    context.CheckKeys(*map, Section::kIncludeRule);
    for (const config::Entry& key : map->entries) {
      if (key.key != "when" || !key.value->IsNull()) ReadRuleKey(context, key, rule);
    }
    if (rule.when.has_value() && rule.when != lifecycle::When::kAlways) {
      context.Error(map->Find("when")->value->place,
                    "'when' in 'include:rules' takes always or never");
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

void ParseWorkflowRules(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  context.file.has_workflow_rules = true;
  for (const config::Value* map : ReadRuleMaps(context, entry, "workflow:rules")) {
    Rule rule;
    rule.place = map->place;
    context.CheckKeys(*map, Section::kWorkflowRule);
    for (const config::Entry& key : map->entries) {
      const Keyword* keyword = FindKeyword(Section::kWorkflowRule, key.key);
      if (keyword != nullptr && keyword->support == Support::kDifferent) {
        context.Warning(key.key_place, absl::StrCat("'", key.key, "' has no effect in ",
                                                    "'workflow:rules'; remove it"));
      } else {
        ReadRuleKey(context, key, rule);
      }
    }
    if (rule.when.has_value() && rule.when != lifecycle::When::kAlways) {
      context.Error(map->Find("when")->value->place,
                    "'when' in 'workflow:rules' takes always or never");
    }
    context.file.workflow_rules.push_back(std::move(rule));
  }
}

}  // namespace grange::pipeline
