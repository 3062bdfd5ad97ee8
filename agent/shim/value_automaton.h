#ifndef GRANGE_AGENT_SHIM_VALUE_AUTOMATON_H_
#define GRANGE_AGENT_SHIM_VALUE_AUTOMATON_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace grange::shim {

// Finds many values at once in bytes that come one after the other (Aho-Corasick), and skips fast
// over bytes at which none of them can start. Immutable; empty values are left out.
class ValueAutomaton {
 public:
  using State = uint32_t;
  static constexpr State kRoot = 0;

  explicit ValueAutomaton(const std::vector<std::string>& values);

  bool empty() const { return nodes_.size() == 1; }

  // Where `byte` leads from `state`. Ask for MatchLength() of the answer, then go on from its
  // Resume().
  State Step(State state, unsigned char byte) const {
    while (state != kRoot) {
      for (State child = nodes_[state].first_child; child != kRoot;
           child = nodes_[child].next_sibling) {
        if (nodes_[child].byte == byte) return child;
      }
      state = nodes_[state].fail;
    }
    return from_root_[byte];
  }
  // Length of the longest value that ends where `state` was reached; 0: none.
  uint32_t MatchLength(State state) const { return nodes_[state].match_length; }
  // The state to go on from: that of the longest value prefix that can still become a value.
  State Resume(State state) const { return nodes_[state].resume; }
  // How many of the last bytes are such a prefix.
  uint32_t Depth(State state) const { return nodes_[state].depth; }

  // In state kRoot: how many of the first bytes of `bytes` can be passed without a Step().
  size_t Skip(std::string_view bytes) const;

 private:
  struct Node {
    State first_child = kRoot;
    State next_sibling = kRoot;
    State fail = kRoot;
    State resume = kRoot;
    uint32_t depth = 0;
    uint32_t match_length = 0;
    unsigned char byte = 0;
  };
  static constexpr size_t kPairs = 4096;
  static size_t PairIndex(char a, char b) {
    return (static_cast<size_t>(static_cast<unsigned char>(a)) << 4 ^
            static_cast<unsigned char>(b)) %
           kPairs;
  }

  void Insert(std::string_view value);
  void LinkFailures();
  void FillSkips(const std::vector<std::string>& values);

  std::vector<Node> nodes_;
  std::array<State, 256> from_root_{};
  // As Wu and Manber skip: how far no value can start, going by the last two bytes of a window as
  // long as the shortest value (of at most 256 bytes). Several pairs share an entry; the smallest
  // counts.
  std::array<uint8_t, kPairs> skip_{};
  size_t window_ = 0;
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_VALUE_AUTOMATON_H_
