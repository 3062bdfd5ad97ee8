#ifndef GRANGE_TESTS_SIM_DICE_H_
#define GRANGE_TESTS_SIM_DICE_H_

#include <cstddef>
#include <cstdint>

namespace grange::sim {

// All chance of a simulation: the same seed gives the same run on every machine.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}

  uint64_t Next() {  // SplitMix64
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // 0 … bound - 1; 0 if there is nothing to choose from.
  size_t Below(size_t bound) { return bound == 0 ? 0 : static_cast<size_t>(Next() % bound); }
  int Between(int low, int high) {
    return low + static_cast<int>(Below(static_cast<size_t>(high - low + 1)));
  }
  bool Percent(double chance) {
    return static_cast<double>(Next() % 1'000'000) < chance * 10'000.0;
  }

 private:
  uint64_t state_;
};

}  // namespace grange::sim

#endif  // GRANGE_TESTS_SIM_DICE_H_
