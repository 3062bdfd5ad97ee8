#ifndef GRANGE_COORDINATOR_TRACE_TURN_PACE_H_
#define GRANGE_COORDINATOR_TRACE_TURN_PACE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace grange::trace {

// When whoever takes turns may take the next one. Somebody who brings more and more while others
// have something to say, too, gets only a part of the time: each of its turns costs processor and
// disk beside the time that it takes here. What it brings waits where it comes from. A large log now
// and then is not slowed down, nor is anybody who is alone.
//
// Not thread-safe. Times are since the machine's start and never go back. `Lane` is only compared.
class TurnPace {
 public:
  using Lane = const void*;

  struct Limits {
    // So much at once, and so much a second from then on, nobody is asked to wait for.
    uint64_t free_bytes = 8 << 20;
    uint64_t free_bytes_a_second = 16 << 20;
    // Beyond that, and while others were served so shortly ago, a turn is followed by a pause of so
    // many times its own length.
    absl::Duration company = absl::Milliseconds(250);
    int pause = 23;
    // One turn that took long, for the disk was busy, is not followed by minutes.
    absl::Duration pause_max = absl::Milliseconds(100);
  };

  explicit TurnPace(Limits limits) : limits_(limits) {}

  // `lane` has had something done for it until `now`: of `bytes`, in the time `took`.
  void Served(Lane lane, uint64_t bytes, absl::Duration took, absl::Duration now) {
    if (newest_ != lane) {
      before_newest_at_ = newest_at_;
      newest_ = lane;
    }
    newest_at_ = now;
    if (uses_.size() >= kUsesMax) Forget(now);
    Use& use = uses_[lane];
    use.bytes = Left(use, now) + static_cast<double>(bytes);
    use.at = now;
    if (use.bytes <= static_cast<double>(limits_.free_bytes) || !HasCompany(lane, now)) return;
    use.next = now + std::min(limits_.pause_max, limits_.pause * took);
  }

  // When it may have its next turn; the past, if now.
  absl::Duration Next(Lane lane) const {
    const auto use = uses_.find(lane);
    return use == uses_.end() ? -absl::InfiniteDuration() : use->second.next;
  }

 private:
  static constexpr size_t kUsesMax = 1000;  // then those that mean nothing any more are forgotten

  struct Use {
    double bytes = 0;  // beyond what was free, at `at`
    absl::Duration at;
    absl::Duration next = -absl::InfiniteDuration();
  };

  double Left(const Use& use, absl::Duration now) const {
    return std::max(0.0, use.bytes - static_cast<double>(limits_.free_bytes_a_second) *
                                         absl::ToDoubleSeconds(now - use.at));
  }

  // Somebody else was served lately.
  bool HasCompany(Lane lane, absl::Duration now) const {
    const absl::Duration other_at = newest_ == lane ? before_newest_at_ : newest_at_;
    return now - other_at <= limits_.company;
  }

  void Forget(absl::Duration now) {
    absl::erase_if(uses_, [&](const auto& use) {
      return use.second.next <= now && Left(use.second, now) == 0;
    });
  }

  const Limits limits_;
  absl::flat_hash_map<Lane, Use> uses_;
  Lane newest_ = nullptr;
  absl::Duration newest_at_ = -absl::InfiniteDuration();
  absl::Duration before_newest_at_ = -absl::InfiniteDuration();  // of somebody else
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_TURN_PACE_H_
