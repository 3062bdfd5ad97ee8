#include "coordinator/pipeline/expression.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/limits.h"

namespace grange::pipeline {
namespace {

using Node = Expression::Node;

struct Token {
  enum class Kind { kVariable, kText, kWord, kPattern, kOperator, kOpen, kClose, kEnd };
  Kind kind = Kind::kEnd;
  absl::string_view text;  // name, text without quotes, word, pattern with slashes, operator
  size_t at = 0;
};

absl::Status SyntaxError(size_t at, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("at character ", at + 1, ": ", why));
}

class Lexer {
 public:
  explicit Lexer(absl::string_view text) : text_(text) {}

  absl::StatusOr<std::vector<Token>> Run() {
    std::vector<Token> tokens;
    while (true) {
      while (at_ < text_.size() && absl::ascii_isspace(text_[at_])) ++at_;
      absl::StatusOr<Token> token = Next();
      if (!token.ok()) return token.status();
      tokens.push_back(*token);
      if (token->kind == Token::Kind::kEnd) return tokens;
      if (tokens.size() > kExpressionTokensMax) {
        return SyntaxError(
            token->at, absl::StrCat("an expression has at most ", kExpressionTokensMax, " parts"));
      }
    }
  }

 private:
  absl::StatusOr<Token> Next() {
    if (at_ == text_.size()) return Token{Token::Kind::kEnd, "", at_};
    const char c = text_[at_];
    if (c == '$') return Variable();
    if (c == '"' || c == '\'') return Text(c);
    if (c == '/') return PatternToken();
    if (c == '(') return Take(Token::Kind::kOpen, 1);
    if (c == ')') return Take(Token::Kind::kClose, 1);
    for (const absl::string_view op : {"==", "!=", "=~", "!~", "&&", "||"}) {
      if (absl::StartsWith(text_.substr(at_), op)) return Take(Token::Kind::kOperator, 2);
    }
    if (absl::ascii_isalpha(c)) {
      size_t end = at_;
      while (end < text_.size() && (absl::ascii_isalnum(text_[end]) || text_[end] == '_')) ++end;
      return Take(Token::Kind::kWord, end - at_);
    }
    if (c == '%') return SyntaxError(at_, "write a variable as $NAME, not %NAME%");
    return SyntaxError(at_, absl::StrCat("'", text_.substr(at_, 1), "' has no meaning here"));
  }

  Token Take(Token::Kind kind, size_t length) {
    const Token token{kind, text_.substr(at_, length), at_};
    at_ += length;
    return token;
  }

  absl::StatusOr<Token> Variable() {
    const size_t start = at_++;
    size_t end = at_;
    while (end < text_.size() && (absl::ascii_isalnum(text_[end]) || text_[end] == '_')) ++end;
    if (end == at_) {
      return SyntaxError(start, end < text_.size() && text_[end] == '{'
                                    ? "write a variable as $NAME, without braces"
                                    : "'$' needs the name of a variable after it");
    }
    Token token = Take(Token::Kind::kVariable, end - at_);
    token.at = start;
    return token;
  }

  absl::StatusOr<Token> Text(char quote) {
    const size_t end = text_.find(quote, at_ + 1);
    if (end == absl::string_view::npos) {
      return SyntaxError(at_, absl::StrCat("the text has no closing ", std::string(1, quote)));
    }
    const Token token{Token::Kind::kText, text_.substr(at_ + 1, end - at_ - 1), at_};
    at_ = end + 1;
    return token;
  }

  absl::StatusOr<Token> PatternToken() {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != '/') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) {
      return SyntaxError(at_, "the pattern has no closing '/'; a '/' inside it is written '\\/'");
    }
    if (end - at_ < 3) return SyntaxError(at_, "a pattern needs at least two characters");
    ++end;
    while (end < text_.size() && absl::ascii_isalpha(text_[end])) {
      if (!absl::StrContains("ismU", text_[end])) {
        return SyntaxError(end, absl::StrCat("'", text_.substr(end, 1),
                                             "' is not a flag; a pattern takes i, s, m and U"));
      }
      ++end;
    }
    return Take(Token::Kind::kPattern, end - at_);
  }

  const absl::string_view text_;
  size_t at_ = 0;
};

// Recursive descent; at most kExpressionTokensMax deep.
class Parser {
 public:
  Parser(std::vector<Token> tokens, PatternCache& patterns)
      : tokens_(std::move(tokens)), patterns_(patterns) {}

  absl::StatusOr<int> Run() {
    const int root = Or();
    if (error_.ok() && Peek().kind != Token::Kind::kEnd) {
      Fail(absl::StrCat("'", Peek().text, "' is one too many; join conditions with && or ||"));
    }
    if (!error_.ok()) return error_;
    return root;
  }

  std::vector<Node> TakeNodes() { return std::move(nodes_); }

 private:
  const Token& Peek() const { return tokens_[at_]; }
  bool TakeOperator(absl::string_view op) {
    if (Peek().kind != Token::Kind::kOperator || Peek().text != op) return false;
    ++at_;
    return true;
  }
  void Fail(absl::string_view why) {
    if (error_.ok()) error_ = SyntaxError(Peek().at, why);
  }
  int Add(Node node) {
    nodes_.push_back(std::move(node));
    return static_cast<int>(nodes_.size()) - 1;
  }
  int AddPair(Node::Kind kind, int left, int right) {
    return Add({kind, "", nullptr, left, right});
  }

  int Or() {
    int left = And();
    while (error_.ok() && TakeOperator("||")) left = AddPair(Node::Kind::kOr, left, And());
    return left;
  }

  int And() {
    int left = Comparison();
    while (error_.ok() && TakeOperator("&&")) left = AddPair(Node::Kind::kAnd, left, Comparison());
    return left;
  }

  int Comparison() {
    const int left = Value();
    if (!error_.ok()) return left;
    if (TakeOperator("==")) return AddPair(Node::Kind::kEqual, left, Value());
    if (TakeOperator("!=")) return AddPair(Node::Kind::kNotEqual, left, Value());
    const bool match = TakeOperator("=~");
    if (!match && !TakeOperator("!~")) return left;
    const Token::Kind kind = Peek().kind;
    if (kind != Token::Kind::kPattern && kind != Token::Kind::kVariable) {
      Fail("'=~' and '!~' need a /pattern/, or a variable that holds one, on their right");
      return left;
    }
    return AddPair(match ? Node::Kind::kMatch : Node::Kind::kNoMatch, left, Value());
  }

  int Value() {
    const Token& token = Peek();
    switch (token.kind) {
      case Token::Kind::kVariable:
        ++at_;
        return Add({Node::Kind::kVariable, std::string(token.text), nullptr});
      case Token::Kind::kText:
        ++at_;
        return Add({Node::Kind::kText, std::string(token.text), nullptr});
      case Token::Kind::kWord:
        return Word(token);
      case Token::Kind::kPattern: {
        absl::StatusOr<std::shared_ptr<const Pattern>> pattern = patterns_.Get(token.text);
        if (!pattern.ok()) {
          Fail(pattern.status().message());
          return 0;
        }
        ++at_;
        return Add({Node::Kind::kPattern, "", *std::move(pattern)});
      }
      case Token::Kind::kOpen: {
        ++at_;
        const int inner = Or();
        if (!error_.ok()) return inner;
        if (Peek().kind != Token::Kind::kClose) {
          Fail("a ')' is missing");
          return inner;
        }
        ++at_;
        return inner;
      }
      case Token::Kind::kOperator:
      case Token::Kind::kClose:
        Fail(absl::StrCat("a value is missing before '", token.text, "'"));
        return 0;
      case Token::Kind::kEnd:
        Fail(tokens_.size() == 1 ? "the expression is empty" : "a value is missing at the end");
        return 0;
    }
    return 0;
  }

  int Word(const Token& token) {
    std::optional<Node::Kind> kind;
    if (token.text == "null") kind = Node::Kind::kNull;
    if (token.text == "true") kind = Node::Kind::kTrue;
    if (token.text == "false") kind = Node::Kind::kFalse;
    if (!kind.has_value()) {
      Fail(absl::StrCat("'", token.text, "' has no meaning here; write \"", token.text,
                        "\" for a text or $", token.text, " for a variable"));
      return 0;
    }
    ++at_;
    return Add({*kind, "", nullptr});
  }

  const std::vector<Token> tokens_;
  PatternCache& patterns_;
  size_t at_ = 0;
  std::vector<Node> nodes_;
  absl::Status error_;
};

// What a part of an expression gives.
struct Operand {
  enum class Kind { kUndefined, kBool, kText, kPattern };
  Kind kind = Kind::kUndefined;
  bool truth = false;
  absl::string_view text;
  const Pattern* pattern = nullptr;

  static Operand Bool(bool truth) { return {Kind::kBool, truth, "", nullptr}; }

  // On a side of && and ||: as in Ruby, only nothing and false are false.
  bool IsTrueSide() const { return kind != Kind::kUndefined && (kind != Kind::kBool || truth); }
  // As the whole: blank text does not hold either.
  bool Holds() const {
    if (kind != Kind::kText) return IsTrueSide();
    return !absl::StripAsciiWhitespace(text).empty();
  }
  bool Equals(const Operand& other) const {
    if (kind != other.kind) return false;
    return kind == Kind::kUndefined || (kind == Kind::kBool && truth == other.truth) ||
           (kind == Kind::kText && text == other.text) ||
           (kind == Kind::kPattern && pattern == other.pattern);
  }
};

class Evaluation {
 public:
  Evaluation(const std::vector<Node>& nodes, const Scope& scope, PatternCache& patterns)
      : nodes_(nodes), scope_(scope), patterns_(patterns) {}

  Operand Value(int index) {
    const Node& node = nodes_[index];
    switch (node.kind) {
      case Node::Kind::kVariable: {
        const std::string* value = scope_.Find(node.text);
        if (value == nullptr) return {};
        return {Operand::Kind::kText, false, *value, nullptr};
      }
      case Node::Kind::kText:
        return {Operand::Kind::kText, false, node.text, nullptr};
      case Node::Kind::kNull:
        return {};
      case Node::Kind::kTrue:
      case Node::Kind::kFalse:
        return Operand::Bool(node.kind == Node::Kind::kTrue);
      case Node::Kind::kPattern:
        return {Operand::Kind::kPattern, false, "", node.pattern.get()};
      case Node::Kind::kEqual:
        return Operand::Bool(Value(node.left).Equals(Value(node.right)));
      case Node::Kind::kNotEqual:
        return Operand::Bool(!Value(node.left).Equals(Value(node.right)));
      case Node::Kind::kMatch:
        return Operand::Bool(Matches(node));
      case Node::Kind::kNoMatch:
        return Operand::Bool(!Matches(node));
      case Node::Kind::kAnd: {
        const Operand left = Value(node.left);
        return left.IsTrueSide() ? Value(node.right) : left;
      }
      case Node::Kind::kOr: {
        const Operand left = Value(node.left);
        if (!left.IsTrueSide()) return Value(node.right);
        if (!left.Holds() && Value(node.right).Holds()) hidden_by_empty_ = true;
        return left;
      }
    }
    return {};
  }

  bool hidden_by_empty() const { return hidden_by_empty_; }

 private:
  // An undefined left side is the empty text; an undefined right side never matches.
  bool Matches(const Node& node) {
    const Operand left = Value(node.left);
    const Operand right = Value(node.right);
    if (right.kind == Operand::Kind::kPattern) return right.pattern->Matches(left.text);
    if (right.kind != Operand::Kind::kText) return false;
    if (!Pattern::HasSlashes(right.text)) return absl::StrContains(right.text, left.text);
    const absl::StatusOr<std::shared_ptr<const Pattern>> pattern = patterns_.Get(right.text);
    return pattern.ok() && (*pattern)->Matches(left.text);
  }

  const std::vector<Node>& nodes_;
  const Scope& scope_;
  PatternCache& patterns_;
  bool hidden_by_empty_ = false;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Expression>> Expression::Parse(absl::string_view text,
                                                                    PatternCache& patterns) {
  absl::StatusOr<std::vector<Token>> tokens = Lexer(text).Run();
  if (!tokens.ok()) return tokens.status();
  Parser parser(*std::move(tokens), patterns);
  const absl::StatusOr<int> root = parser.Run();
  if (!root.ok()) return root.status();
  return std::make_shared<const Expression>(std::string(text), parser.TakeNodes(), *root);
}

std::vector<std::string> Expression::VariableNames() const {
  std::vector<std::string> names;
  for (const Node& node : nodes_) {
    if (node.kind != Node::Kind::kVariable) continue;
    if (std::find(names.begin(), names.end(), node.text) == names.end()) names.push_back(node.text);
  }
  return names;
}

std::vector<const Pattern*> Expression::Patterns() const {
  std::vector<const Pattern*> patterns;
  for (const Node& node : nodes_) {
    if (node.pattern != nullptr) patterns.push_back(node.pattern.get());
  }
  return patterns;
}

Expression::Outcome Expression::Evaluate(const Scope& scope, PatternCache& patterns) const {
  Evaluation evaluation(nodes_, scope, patterns);
  const bool holds = evaluation.Value(root_).Holds();
  return {holds, !holds && evaluation.hidden_by_empty()};
}

absl::StatusOr<std::shared_ptr<const Expression>> ExpressionCache::Get(absl::string_view text,
                                                                       PatternCache& patterns) {
  const auto it = expressions_.find(text);
  if (it != expressions_.end()) return it->second;
  return expressions_.emplace(std::string(text), Expression::Parse(text, patterns)).first->second;
}

}  // namespace grange::pipeline
