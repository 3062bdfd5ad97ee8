#include "coordinator/pipeline/include_rules.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/text/expand.h"
#include "coordinator/config/interpolation_block.h"
#include "coordinator/config/json_text.h"
#include "coordinator/config/limits.h"
#include "coordinator/pipeline/decide.h"
#include "coordinator/pipeline/keyword_parsers.h"

namespace grange::pipeline {
namespace {

// The repository that an included file came from, as a tree of its own.
class OriginTree : public config::SourceTree {
 public:
  OriginTree(const config::SourceTree& tree, config::Origin origin)
      : tree_(tree), origin_(std::move(origin)) {}

  absl::StatusOr<config::SourceFile> ReadLocal(absl::string_view path) const override {
    return tree_.ReadLocal(path);
  }
  absl::StatusOr<std::vector<std::string>> Files() const override { return tree_.FilesOf(origin_); }
  absl::StatusOr<std::vector<std::string>> FilesOfProject(const std::string& project,
                                                          const std::string& ref) const override {
    return tree_.FilesOfProject(project, ref);
  }
  absl::StatusOr<std::optional<std::vector<std::string>>> ChangedFiles(
      absl::string_view compare_to) const override {
    return tree_.ChangedFiles(compare_to);
  }

 private:
  const config::SourceTree& tree_;
  const config::Origin origin_;
};

// A condition of `spec:inputs:rules` in the language of `rules:if`: inputs are variables of made-up
// names, booleans are the words of that language.
struct InputCondition {
  std::string text;
  VariableLayer inputs;
};

absl::StatusOr<InputCondition> ReadInputCondition(absl::string_view condition,
                                                  const config::InputValues& inputs) {
  InputCondition read;
  size_t from = 0;
  const auto add = [&read](absl::string_view text) {
    if (!absl::StrContains(text, '$')) absl::StrAppend(&read.text, text);
    return !absl::StrContains(text, '$');
  };
  const absl::Status no_variables = absl::InvalidArgumentError(
      "its rules can look at inputs only, as in '$[[ inputs.name ]] == \"x\"'");
  while (const std::optional<config::BlockSpan> span = config::FindBlock(condition, from)) {
    if (!add(condition.substr(from, span->begin - from))) return no_variables;
    const absl::StatusOr<config::InterpolationBlock> block = config::ParseBlock(span->inside);
    if (!block.ok()) return block.status();
    const auto input = inputs.find(block->name);
    if (block->space != "inputs" || !block->functions.empty() || input == inputs.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'$[[", span->inside, "]]' names no input of the file"));
    }
    const config::Value& value = *input->second;
    if (const std::optional<bool> boolean = value.AsBool(); boolean.has_value()) {
      absl::StrAppend(&read.text, *boolean ? "true" : "false");
    } else {
      const std::string name = absl::StrCat("INPUT_", read.inputs.size());
      absl::StrAppend(&read.text, "$", name);
      read.inputs[name].value = value.IsScalar()
                              ? value.text
                              : config::ToJson(value, config::kInterpolatedTextMax).value_or("");
    }
    from = span->end;
  }
  if (!add(condition.substr(from))) return no_variables;
  return read;
}

}  // namespace

struct IncludeRules::Repository {
  Repository(const config::SourceTree& all, config::Origin origin, Problems& problems)
      : tree(all, std::move(origin)), paths(tree, problems) {}
  OriginTree tree;
  PathConditions paths;
};

IncludeRules::IncludeRules(const TriggerFacts& facts, const config::SourceTree& tree,
                           Problems& problems)
    : tree_(tree),
      context_(nothing_, problems),
      predefined_(LayerOf(PredefinedVariables(facts), /*expand=*/false)),
      project_(WithMasked(LayerOf(facts.project_variables), facts.masked)),
      pipeline_(LayerOf(facts.pipeline_variables)),
      scope_({&pipeline_, &project_, &predefined_}),
      no_variables_(std::vector<const VariableLayer*>()) {}

IncludeRules::~IncludeRules() = default;

std::string IncludeRules::Expand(absl::string_view text) const {
  return scope_.Shown().ExpandOnce(text);
}

PathConditions& IncludeRules::PathsOf(const config::Origin& origin) {
  std::unique_ptr<Repository>& repository = repositories_[origin];
  if (repository == nullptr) {
    repository = std::make_unique<Repository>(tree_, origin, context_.problems);
  }
  return repository->paths;
}

bool IncludeRules::Allows(const config::Entry& rules, const config::IncludingFile& file) {
  if (rules.value->IsNull()) return true;
  const std::vector<Rule> read = ReadIncludeRules(context_, rules);
  return DecideByRules(read, rules.key_place, "include:rules",
                       file.in_repository ? scope_ : no_variables_, context_.patterns,
                       PathsOf(file.origin), context_.problems)
      .in;
}

absl::StatusOr<bool> IncludeRules::Holds(absl::string_view condition,
                                         const config::InputValues& inputs) const {
  const absl::StatusOr<InputCondition> read = ReadInputCondition(condition, inputs);
  if (!read.ok()) return read.status();
  PatternCache patterns;
  const absl::StatusOr<std::shared_ptr<const Expression>> expression =
      Expression::Parse(read->text, patterns);
  if (!expression.ok()) {
    // The character that it names is one of the rewritten text.
    absl::string_view why = expression.status().message();
    if (absl::StartsWith(why, "at character ")) why.remove_prefix(why.find(": ") + 2);
    return absl::InvalidArgumentError(absl::StrCat("'if' is no expression: ", why));
  }
  return (*expression)->Evaluate(Scope({&read->inputs}), patterns).holds;
}

}  // namespace grange::pipeline
