#include "coordinator/pipeline/never_matches.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace grange::pipeline {
namespace {

// What has to be remembered of a text while a regex walks over it: whether it is still at the
// start, and whether a `$` has said that it is at the end.
constexpr int kStates = 4;
constexpr int kMiddle = 1;  // bit of a state: something has been consumed
constexpr int kAtEnd = 2;   // bit of a state

// For each state the set of states (a bit each) in which a part of the regex can leave it.
using Transfer = std::array<uint8_t, kStates>;

uint8_t Bit(int state) { return static_cast<uint8_t>(1 << state); }

Transfer Stay() { return {Bit(0), Bit(1), Bit(2), Bit(3)}; }
Transfer Consume() { return {Bit(kMiddle), Bit(kMiddle), 0, 0}; }
Transfer TextStart() { return {Bit(0), 0, Bit(kAtEnd), 0}; }
Transfer TextEnd() {
  return {Bit(kAtEnd), Bit(kMiddle | kAtEnd), Bit(kAtEnd), Bit(kMiddle | kAtEnd)};
}

Transfer Either(const Transfer& a, const Transfer& b) {
  Transfer both;
  for (int state = 0; state < kStates; ++state) both[state] = a[state] | b[state];
  return both;
}

Transfer Then(const Transfer& first, const Transfer& second) {
  Transfer both = {};
  for (int state = 0; state < kStates; ++state) {
    for (int between = 0; between < kStates; ++between) {
      if ((first[state] & Bit(between)) != 0) both[state] |= second[between];
    }
  }
  return both;
}

// Any number of times, none included. There are so few states that it is soon complete.
Transfer Repeated(const Transfer& once) {
  Transfer all = Stay();
  for (int i = 0; i < kStates; ++i) all = Either(all, Then(all, once));
  return all;
}

class Walker {
 public:
  explicit Walker(absl::string_view regex) : rest_(regex) {}

  Transfer Alternatives() {
    Transfer all = Sequence();
    while (Take("|")) all = Either(all, Sequence());
    return all;
  }

 private:
  bool Take(absl::string_view prefix) {
    if (!absl::StartsWith(rest_, prefix)) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }
  char TakeOne() {
    const char c = rest_.empty() ? '\0' : rest_.front();
    if (!rest_.empty()) rest_.remove_prefix(1);
    return c;
  }

  void SkipBehind(char end) {
    const size_t at = rest_.find(end);
    rest_.remove_prefix(at == absl::string_view::npos ? rest_.size() : at + 1);
  }

  Transfer Sequence() {
    Transfer all = Stay();
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      all = Then(all, Quantified(Atom()));
    }
    return all;
  }

  Transfer Quantified(const Transfer& once) {
    Transfer result = once;
    for (;;) {
      if (Take("*")) {
        result = Repeated(result);
      } else if (Take("+")) {
        result = Then(result, Repeated(result));
      } else if (Take("?")) {  // a lazy one too: it changes nothing that counts here
        result = Either(Stay(), result);
      } else if (const size_t length = CountLength(); length > 0) {
        const bool may_be_none = rest_[1] == '0';
        rest_.remove_prefix(length);
        result = may_be_none ? Repeated(result) : Then(result, Repeated(result));
      } else {
        return result;
      }
    }
  }

  // The bytes of `{2}`, `{2,}`, `{2,4}` at the front; 0 if there is none: then `{` is a letter.
  size_t CountLength() const {
    if (!absl::StartsWith(rest_, "{")) return 0;
    const size_t end = rest_.find('}');
    if (end == absl::string_view::npos || end == 1) return 0;
    const absl::string_view inside = rest_.substr(1, end - 1);
    const bool digits = std::all_of(inside.begin(), inside.end(), [](char c) {
      return absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == ',';
    });
    return digits && inside.front() != ',' ? end + 1 : 0;
  }

  Transfer Atom() {
    const char c = TakeOne();
    switch (c) {
      case '^':
        return multi_line_ ? Stay() : TextStart();
      case '$':
        return multi_line_ ? Stay() : TextEnd();
      case '(':
        return Group();
      case '[':
        SkipClass();
        return Consume();
      case '\\':
        return Escape();
      default:
        return Consume();
    }
  }

  Transfer Escape() {
    const char c = TakeOne();
    switch (c) {
      case 'A':
        return TextStart();
      case 'z':
        return TextEnd();
      case 'b':
      case 'B':
        return Stay();
      case 'Q': {
        const size_t end = std::min(rest_.find("\\E"), rest_.size());
        const bool empty = end == 0;
        rest_.remove_prefix(end);
        Take("\\E");
        return empty ? Stay() : Consume();
      }
      case 'p':
      case 'P':
      case 'x':
        if (Take("{")) SkipBehind('}');
        return Consume();
      default:
        return Consume();
    }
  }

  void SkipClass() {
    Take("^");
    Take("]");  // the first one is a letter
    while (!rest_.empty() && !Take("]")) {
      if (Take("[:")) {
        SkipBehind(']');
      } else if (TakeOne() == '\\') {
        TakeOne();
      }
    }
  }

  // Behind its '('.
  Transfer Group() {
    const bool outside = multi_line_;
    if (Take("?")) {
      if (Take("P<") || Take("<")) {
        SkipBehind('>');
      } else {
        const bool whole_rest = TakeFlags();
        if (whole_rest) return Stay();
      }
    }
    const Transfer inside = Alternatives();
    Take(")");
    multi_line_ = outside;
    return inside;
  }

  // `i-m:` or `i-m)`: true for the second, whose flags hold to the end of the group around it.
  bool TakeFlags() {
    bool on = true;
    while (!rest_.empty()) {
      const char c = TakeOne();
      if (c == ')') return true;
      if (c == ':') return false;
      if (c == '-') on = false;
      if (c == 'm') multi_line_ = on;
    }
    return true;
  }

  absl::string_view rest_;
  bool multi_line_ = false;
};

}  // namespace

bool NeverMatches(absl::string_view regex) {
  const Transfer all = Walker(regex).Alternatives();
  return all[0] == 0 && all[kMiddle] == 0;
}

}  // namespace grange::pipeline
