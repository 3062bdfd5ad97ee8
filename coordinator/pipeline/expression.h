#ifndef GRANGE_COORDINATOR_PIPELINE_EXPRESSION_H_
#define GRANGE_COORDINATOR_PIPELINE_EXPRESSION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "coordinator/pipeline/pattern.h"
#include "coordinator/pipeline/scope.h"

namespace grange::pipeline {

// A condition of `rules:if` or `only:variables`, with GitLab's meaning:
//
//   expr  = and { "||" and } ;   and = cmp { "&&" cmp } ;
//   cmp   = value [ ("==" | "!=" | "=~" | "!~") value ] ;
//   value = "$" name | "text" | 'text' | /regex/flags | null | true | false | "(" expr ")" ;
//
// A name alone holds if it is defined and not blank. An undefined name equals null and nothing
// else. && and || give one of their sides, of which only an undefined one counts as false: so
// `$EMPTY || $X` does not hold if EMPTY is defined and empty, whatever X is.
class Expression {
 public:
  // kInvalidArgument with the character at which it goes wrong (from 1) and why.
  static absl::StatusOr<std::shared_ptr<const Expression>> Parse(absl::string_view text,
                                                                 PatternCache& patterns);

  struct Outcome {
    bool holds = false;
    // An empty variable on the left of `||` hid a right side that holds: the surprise above.
    bool hidden_by_empty = false;
  };
  Outcome Evaluate(const Scope& scope, PatternCache& patterns) const;

  const std::string& text() const { return text_; }
  // Of the variables in it, each once, in order of appearance.
  std::vector<std::string> VariableNames() const;
  // The /regexes/ in it, in order; they live as long as the expression.
  std::vector<const Pattern*> Patterns() const;

  struct Node {
    enum class Kind {
      kVariable,
      kText,
      kNull,
      kTrue,
      kFalse,
      kPattern,
      kEqual,
      kNotEqual,
      kMatch,
      kNoMatch,
      kAnd,
      kOr
    };
    Kind kind;
    std::string text;                        // name, or text
    std::shared_ptr<const Pattern> pattern;  // kPattern; shared with the cache
    int left = -1;                           // into nodes
    int right = -1;
  };

  // For Parse() alone.
  Expression(std::string text, std::vector<Node> nodes, int root)
      : text_(std::move(text)), nodes_(std::move(nodes)), root_(root) {}

 private:
  std::string text_;
  std::vector<Node> nodes_;
  int root_;
};

// Expressions by their text.
class ExpressionCache {
 public:
  absl::StatusOr<std::shared_ptr<const Expression>> Get(absl::string_view text,
                                                        PatternCache& patterns);

 private:
  absl::flat_hash_map<std::string, absl::StatusOr<std::shared_ptr<const Expression>>> expressions_;
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_EXPRESSION_H_
