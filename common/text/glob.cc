#include "common/text/glob.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace grange::text {
namespace {

// Deeper braces are taken as they are.
constexpr int kBraceDepthMax = 20;

// UTF-8 to code points; a byte that is no part of a valid sequence stands for itself, above
// Unicode, so that any file name can be matched.
std::vector<char32_t> Decode(absl::string_view text) {
  std::vector<char32_t> result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : 4;
    char32_t point = length == 1 ? lead : lead & (0xFF >> (length + 1));
    bool valid = i + length <= text.size() && (lead < 0x80 || (lead >= 0xC2 && lead < 0xF5));
    for (size_t k = 1; valid && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      valid = next >> 6 == 2;
      point = (point << 6) | (next & 0x3F);
    }
    result.push_back(valid ? point : 0x110000 + lead);
    i += valid ? length : 1;
  }
  return result;
}

struct Range {
  char32_t first;
  char32_t last;
};

// A pattern as a machine whose states are all tried at once: no pattern can make it slow.
struct State {
  enum class Kind { kPoint, kInFolder, kAny, kClass, kSplit, kEnd };
  Kind kind = Kind::kEnd;
  char32_t point = 0;
  bool negated = false;
  std::vector<Range> ranges = {};
  int next = 0;
  int other = 0;  // kSplit
};

bool Takes(const State& state, char32_t c) {
  switch (state.kind) {
    case State::Kind::kPoint:
      return c == state.point;
    case State::Kind::kInFolder:
      return c != '/';
    case State::Kind::kAny:
      return true;
    case State::Kind::kClass: {
      if (c == '/') return false;
      for (const Range& range : state.ranges) {
        if (range.first <= c && c <= range.last) return !state.negated;
      }
      return state.negated;
    }
    case State::Kind::kSplit:
    case State::Kind::kEnd:
      return false;
  }
  return false;
}

// Builds the machine from the end of the pattern to its start, so that each state knows what
// follows it.
class Machine {
 public:
  explicit Machine(std::vector<char32_t> pattern) : pattern_(std::move(pattern)) {
    const int end = Add({.kind = State::Kind::kEnd});
    start_ = Build(0, pattern_.size(), end, 0);
  }

  bool Matches(const std::vector<char32_t>& path) {
    std::vector<int> now, then;
    Enter(start_, now, 0);
    for (size_t i = 0; i < path.size(); ++i) {
      then.clear();
      for (const int state : now) {
        if (Takes(states_[state], path[i])) Enter(states_[state].next, then, i + 1);
      }
      std::swap(now, then);
      if (now.empty()) return false;
    }
    for (const int state : now) {
      if (states_[state].kind == State::Kind::kEnd) return true;
    }
    return false;
  }

 private:
  // One thing of the pattern: pattern_[start, end).
  struct Token {
    enum class Kind { kPoint, kInFolder, kStar, kDeep, kDeepFolders, kClass, kBraces };
    Kind kind;
    size_t start;
    size_t end;
  };

  int Add(State state) {
    states_.push_back(std::move(state));
    entered_.push_back(SIZE_MAX);
    return static_cast<int>(states_.size()) - 1;
  }

  // Adds `state`, and those it leads to without a character, to `set`, once per step.
  void Enter(int state, std::vector<int>& set, size_t step) {
    std::vector<int> open = {state};
    while (!open.empty()) {
      const int top = open.back();
      open.pop_back();
      if (entered_[top] == step) continue;
      entered_[top] = step;
      if (states_[top].kind == State::Kind::kSplit) {
        open.push_back(states_[top].next);
        open.push_back(states_[top].other);
      } else {
        set.push_back(top);
      }
    }
  }

  // The end of the class that starts at `at`, or 0 if it isn't closed.
  size_t ClassEnd(size_t at, size_t end) const {
    size_t i = at + 1;
    if (i < end && (pattern_[i] == '!' || pattern_[i] == '^')) ++i;
    const size_t first = i;
    for (; i < end; ++i) {
      if (pattern_[i] == '\\') {
        ++i;
      } else if (pattern_[i] == ']' && i > first) {
        return i + 1;
      }
    }
    return 0;
  }

  // The end of the braces that start at `at`, or 0 if they aren't closed.
  size_t BracesEnd(size_t at, size_t end) const {
    int depth = 0;
    for (size_t i = at; i < end; ++i) {
      if (pattern_[i] == '\\') {
        ++i;
      } else if (pattern_[i] == '{') {
        ++depth;
      } else if (pattern_[i] == '}' && --depth == 0) {
        return i + 1;
      }
    }
    return 0;
  }

  bool StartsName(size_t at) const {
    return at == 0 || pattern_[at - 1] == '/' || pattern_[at - 1] == '{' || pattern_[at - 1] == ',';
  }

  Token NextToken(size_t at, size_t end, int depth) const {
    const char32_t c = pattern_[at];
    if (c == '\\' && at + 1 < end) return {Token::Kind::kPoint, at + 1, at + 2};
    if (c == '?') return {Token::Kind::kInFolder, at, at + 1};
    if (c == '*') {
      size_t stop = at + 1;
      while (stop < end && pattern_[stop] == '*') ++stop;
      if (stop - at == 1) return {Token::Kind::kStar, at, stop};
      if (StartsName(at) && stop < end && pattern_[stop] == '/') {
        return {Token::Kind::kDeepFolders, at, stop + 1};
      }
      return {Token::Kind::kDeep, at, stop};
    }
    if (c == '[' && at < last_bracket_) {
      if (const size_t stop = ClassEnd(at, end); stop != 0) {
        return {Token::Kind::kClass, at, stop};
      }
    }
    if (c == '{' && depth < kBraceDepthMax && !braces_unclosed_) {
      if (const size_t stop = BracesEnd(at, end); stop != 0) {
        return {Token::Kind::kBraces, at, stop};
      }
    }
    return {Token::Kind::kPoint, at, at + 1};
  }

  // The state where pattern_[start, end) begins, with `next` after it.
  int Build(size_t start, size_t end, int next, int depth) {
    std::vector<Token> tokens;
    for (size_t at = start; at < end; at = tokens.back().end) {
      tokens.push_back(NextToken(at, end, depth));
    }
    for (auto token = tokens.rbegin(); token != tokens.rend(); ++token) {
      next = BuildToken(*token, next, depth);
    }
    return next;
  }

  int BuildToken(const Token& token, int next, int depth) {
    switch (token.kind) {
      case Token::Kind::kPoint:
        return Add({.kind = State::Kind::kPoint, .point = pattern_[token.start], .next = next});
      case Token::Kind::kInFolder:
        return Add({.kind = State::Kind::kInFolder, .next = next});
      case Token::Kind::kStar:
        return Loop(State::Kind::kInFolder, next);
      case Token::Kind::kDeep:
        return Loop(State::Kind::kAny, next);
      case Token::Kind::kDeepFolders: {  // nothing, or anything that ends with a slash
        const int slash = Add({.kind = State::Kind::kPoint, .point = '/', .next = next});
        const int folders = Loop(State::Kind::kAny, slash);
        return Add({.kind = State::Kind::kSplit, .next = next, .other = folders});
      }
      case Token::Kind::kClass:
        return BuildClass(token, next);
      case Token::Kind::kBraces:
        return BuildBraces(token, next, depth + 1);
    }
    return next;
  }

  int Loop(State::Kind kind, int next) {
    const int split = Add({.kind = State::Kind::kSplit, .other = next});
    const int body = Add({.kind = kind, .next = split});
    states_[split].next = body;
    return split;
  }

  int BuildClass(const Token& token, int next) {
    State state{.kind = State::Kind::kClass, .next = next};
    size_t i = token.start + 1;
    if (pattern_[i] == '!' || pattern_[i] == '^') {
      state.negated = true;
      ++i;
    }
    const size_t end = token.end - 1;
    const auto take = [&] {
      if (pattern_[i] == '\\' && i + 1 < end) ++i;
      return pattern_[i++];
    };
    while (i < end) {
      const char32_t first = take();
      char32_t last = first;
      if (i + 1 < end && pattern_[i] == '-') {
        ++i;
        last = take();
      }
      state.ranges.push_back({first, last});
    }
    return Add(std::move(state));
  }

  int BuildBraces(const Token& token, int next, int depth) {
    int result = -1;
    size_t start = token.start + 1;
    int open = 0;
    for (size_t i = start; i < token.end; ++i) {
      const char32_t c = pattern_[i];
      if (c == '\\') {
        ++i;
        continue;
      }
      const bool last = i + 1 == token.end;
      if (c == '{') ++open;
      if (c == '}' && !last) --open;
      if (!last && (c != ',' || open != 0)) continue;
      const int branch = Build(start, i, next, depth);
      result =
          result < 0 ? branch : Add({.kind = State::Kind::kSplit, .next = result, .other = branch});
      start = i + 1;
    }
    return result;
  }

  const std::vector<char32_t> pattern_;
  const bool braces_unclosed_ = !BracesBalance();
  const size_t last_bracket_ = LastBracket();
  std::vector<State> states_;
  std::vector<size_t> entered_;  // the step in which a state was last entered
  int start_ = 0;

  // If braces are left open somewhere, each `{` would look for its end through the whole rest:
  // then all of them are taken as they are.
  bool BracesBalance() const {
    int depth = 0;
    for (size_t i = 0; i < pattern_.size(); ++i) {
      if (pattern_[i] == '\\') {
        ++i;
      } else if (pattern_[i] == '{') {
        ++depth;
      } else if (pattern_[i] == '}' && depth > 0) {
        --depth;
      }
    }
    return depth == 0;
  }

  // Where the last `]` is; 0 if there is none. A `[` after it opens no class.
  size_t LastBracket() const {
    for (size_t i = pattern_.size(); i > 0; --i) {
      if (pattern_[i - 1] == ']') return i - 1;
    }
    return 0;
  }
};

}  // namespace

bool GlobMatches(absl::string_view pattern, absl::string_view path) {
  return Machine(Decode(pattern)).Matches(Decode(path));
}

bool IsGlob(absl::string_view text) {
  return text.find_first_of("*?[{\\") != absl::string_view::npos;
}

}  // namespace grange::text
