#include "coordinator/config/input_values.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/text/edit_distance.h"
#include "coordinator/config/interpolation_block.h"
#include "coordinator/config/limits.h"

namespace grange::config {
namespace {

class Binder {
 public:
  Binder(const FileHeader& header, const InputGiver& giver, const IncludeContext& context,
         std::vector<Diagnostic>& diagnostics)
      : header_(header), giver_(giver), context_(context), diagnostics_(diagnostics) {
    for (const InputDeclaration& input : header.inputs) declared_[input.name] = &input;
    for (const GivenInput& given : giver.given) given_[given.name] = &given;
  }

  std::optional<InputValues> Run() {
    for (const GivenInput& given : giver_.given) {
      if (!declared_.contains(given.name)) RefuseUnknown(given);
    }
    for (const InputDeclaration& input : header_.inputs) Bind(input);
    return ok_ ? std::optional<InputValues>(std::move(values_)) : std::nullopt;
  }

 private:
  void RefuseUnknown(const GivenInput& given) {
    std::vector<std::string> names;
    for (const InputDeclaration& input : header_.inputs) names.push_back(input.name);
    Error(given.place.value_or(header_.place),
          absl::StrCat("'", giver_.file, "' has no input '", given.name, "'",
                       names.empty() ? "; declare it there with 'spec:inputs'"
                                     : text::DidYouMean(given.name, names)));
  }

  // Gives the input its value, after those that its rules look at. Each input is tried once.
  void Bind(const InputDeclaration& input) {
    if (!tried_.try_emplace(input.name, true).second) return;
    open_.push_back(input.name);
    const Value* options = input.options;
    const Value* value = input.default_value;
    if (const std::optional<const InputRule*> rule = MatchingRule(input); !rule.has_value()) {
      ok_ = false;
      open_.pop_back();
      return;
    } else if (*rule != nullptr) {
      options = (*rule)->options;
      value = (*rule)->default_value;
    }
    open_.pop_back();
    const auto given = given_.find(input.name);
    if (given != given_.end()) {
      value = given->second->value;
      const std::string why = WhyNoValue(input, options, *value);
      if (!why.empty()) {
        return Error(given->second->place.value_or(input.place),
                     absl::StrCat("input '", input.name, "' of '", giver_.file, "' ", why));
      }
    }
    if (value == nullptr) return RefuseMissing(input);
    values_[input.name] = value;
  }

  void RefuseMissing(const InputDeclaration& input) {
    if (giver_.place.has_value()) {
      return Error(*giver_.place, absl::StrCat("input '", input.name, "' of '", giver_.file,
                                               "' is required; give it in 'inputs'"));
    }
    Error(input.place, absl::StrCat("input '", input.name, "' of '", giver_.file,
                                    "' is required; start the pipeline with a value for it, or ",
                                    "give it a 'default'"));
  }

  // nullptr if none holds or there are no rules; nullopt, with an error, if that can't be said.
  std::optional<const InputRule*> MatchingRule(const InputDeclaration& input) {
    for (const InputRule& rule : input.rules) {
      if (rule.condition == nullptr) return &rule;
      if (!BindMentioned(*rule.condition)) return std::nullopt;
      const absl::StatusOr<bool> holds = context_.Holds(rule.condition->text, values_);
      if (!holds.ok()) {
        Error(rule.condition->place,
              absl::StrCat("input '", input.name, "': ", holds.status().message()));
        return std::nullopt;
      }
      if (*holds) return &rule;
    }
    return nullptr;
  }

  // False, with an error, if an input that the condition mentions has no value.
  bool BindMentioned(const Value& condition) {
    for (const std::string& name : InputsMentioned(condition.text)) {
      if (std::find(open_.begin(), open_.end(), name) != open_.end()) {
        Error(condition.place, absl::StrCat("the rules of inputs go in a circle: ",
                                            absl::StrJoin(open_, " -> "), " -> ", name));
        return false;
      }
      if (open_.size() >= kInputRulesDepthMax) {
        Error(condition.place, absl::StrCat("the rules of more than ", kInputRulesDepthMax,
                                            " inputs look at each other; use fewer"));
        return false;
      }
      const auto declared = declared_.find(name);
      if (declared == declared_.end()) continue;  // the expression's error
      Bind(*declared->second);
      if (!values_.contains(name)) return false;
    }
    return true;
  }

  void Error(Place place, std::string message) {
    ok_ = false;
    Report(diagnostics_, Diagnostic::Severity::kError, place.Span(), std::move(message));
  }

  const FileHeader& header_;
  const InputGiver& giver_;
  const IncludeContext& context_;
  std::vector<Diagnostic>& diagnostics_;
  absl::flat_hash_map<absl::string_view, const InputDeclaration*> declared_;
  absl::flat_hash_map<absl::string_view, const GivenInput*> given_;
  absl::flat_hash_map<std::string, bool> tried_;
  std::vector<std::string> open_;  // inputs whose rules are being decided
  InputValues values_;
  bool ok_ = true;
};

}  // namespace

std::optional<InputValues> BindInputs(const FileHeader& header, const InputGiver& giver,
                                      const IncludeContext& context,
                                      std::vector<Diagnostic>& diagnostics) {
  return Binder(header, giver, context, diagnostics).Run();
}

}  // namespace grange::config
