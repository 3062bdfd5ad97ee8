#ifndef GRANGE_AGENT_SHIM_MASKER_H_
#define GRANGE_AGENT_SHIM_MASKER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/shim/value_automaton.h"

namespace grange::shim {

inline constexpr std::string_view kMaskMarker = "[MASKED]";

// Replaces secret values in a stream of bytes, however it is cut into pieces. Pure.
//
// Every occurrence of every value counts, also those that overlap: what overlapping occurrences
// cover together becomes one kMaskMarker; two that only touch become two. All other bytes pass
// exactly as they came. At most the length of the longest value less one is held back.
class Masker {
 public:
  // Empty values mask nothing.
  explicit Masker(const std::vector<std::string>& values) : automaton_(values) {}

  // Appends to `out` all that `bytes`, and what was held back, decide.
  void Feed(std::string_view bytes, std::string* out);
  // The output has ended: appends what was held back. Afterwards a new stream may begin.
  void Finish(std::string* out);

  // Nothing is masked, so Feed() only copies.
  bool passes_everything() const { return automaton_.empty(); }
  size_t held_back() const { return held_.size(); }

 private:
  // Positions count from the first byte of `held_`.
  struct Region {
    size_t begin = 0;
    size_t end = 0;
    bool announced = false;  // its marker has been written
  };

  void AddMatch(size_t begin, size_t end);
  void Emit(std::string_view bytes, size_t end, std::string* out);
  void AppendPlain(std::string_view bytes, size_t begin, size_t end, std::string* out) const;

  ValueAutomaton automaton_;
  ValueAutomaton::State state_ = ValueAutomaton::kRoot;
  std::string held_;             // the beginning of a value that may be complete one day
  std::vector<Region> regions_;  // disjoint, in order, not yet passed
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_MASKER_H_
