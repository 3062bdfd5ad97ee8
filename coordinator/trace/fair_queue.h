#ifndef GRANGE_COORDINATOR_TRACE_FAIR_QUEUE_H_
#define GRANGE_COORDINATOR_TRACE_FAIR_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace grange::trace {

// Items of many senders, taken in turns: whoever has brought a thousand of them waits for itself,
// not others for it. A turn is of bytes, not of items (deficit round robin). Items of one key come
// out in the order in which they went in, also if they are of several senders.
//
// Each sender may fill the queue up to a part of its own and up to what the queue has left, so the
// fullest is stopped first and one that has little goes on.
//
// Never refuses an item. Not thread-safe. `Sender` is only compared and handed back.
template <typename Sender, typename Key, typename Item>
class FairQueue {
 public:
  // What one turn is worth: the largest chunk of a trace, or many small items.
  static constexpr int64_t kTurnBytes = 256 << 10;
  // What an item costs beside its bytes.
  static constexpr int64_t kItemBytes = 4 << 10;

  struct Limits {
    uint64_t bytes = 0;         // of all items
    uint64_t sender_bytes = 0;  // of one sender's
  };
  struct Taken {
    Item item;
    uint64_t bytes = 0;
    const void* lane = nullptr;  // the same for all that share their turns; only to be compared
    bool more = false;           // there is another one
    bool round_over = false;     // everyone who waited has had a turn since the last time
  };

  explicit FairQueue(Limits limits) : limits_(limits) {}

  // False: `sender` should bring no more until TakeDrained() has named it. Without a sender (null)
  // it is one of those that share the turns of nobody.
  bool Push(const std::shared_ptr<Sender>& sender, const Key& key, uint64_t bytes, Item item) {
    // Where others of its key wait, it waits behind them.
    Place& place = places_[key];
    if (place.waiting++ == 0) place.lane = sender.get();
    Lane& lane = lanes_[place.lane];
    if (lane.items.empty()) turns_.push_back(place.lane);
    lane.items.push_back({key, bytes, std::move(item)});
    lane.bytes += bytes;
    bytes_ += bytes;
    if (sender == nullptr || lane.bytes < Most()) return true;
    full_.insert_or_assign(sender.get(), Full{sender, place.lane});
    return false;
  }

  // The next one of those whose lane `may_go`, which is asked in the order of their turns. None if
  // there is none; who may not go keeps its turn for the next round.
  template <typename MayGo>
  std::optional<Taken> PopIf(const MayGo& may_go) {
    for (size_t lanes = turns_.size(); lanes > 0; --lanes) {
      if (left_of_round_ == 0) left_of_round_ = turns_.size();
      if (may_go(turns_.front())) return Pop();
      turns_.push_back(turns_.front());
      turns_.pop_front();
      --left_of_round_;
    }
    return std::nullopt;
  }

  // The next one. Not of an empty queue.
  Taken Pop() {
    if (left_of_round_ == 0) left_of_round_ = turns_.size();
    const void* const id = turns_.front();
    const auto found = lanes_.find(id);
    Lane& lane = found->second;
    if (!std::exchange(lane.has_turn, true)) lane.credit += kTurnBytes;
    Waiting next = std::move(lane.items.front());
    lane.items.pop_front();
    lane.bytes -= next.bytes;
    lane.credit -= kItemBytes + static_cast<int64_t>(next.bytes);
    bytes_ -= next.bytes;
    if (const auto place = places_.find(next.key); --place->second.waiting == 0) {
      places_.erase(place);
    }
    if (lane.items.empty() || lane.credit <= 0) {
      turns_.pop_front();
      --left_of_round_;
      lane.has_turn = false;
      if (lane.items.empty()) {
        lanes_.erase(found);
      } else {
        turns_.push_back(id);
      }
    }
    return {.item = std::move(next.item),
            .bytes = next.bytes,
            .lane = id,
            .more = !turns_.empty(),
            .round_over = left_of_round_ == 0};
  }

  // Those who were told to bring no more and may go on: they have half as much as would stop them.
  std::vector<std::shared_ptr<Sender>> TakeDrained() {
    std::vector<std::shared_ptr<Sender>> drained;
    for (auto at = full_.begin(); at != full_.end();) {
      const auto lane = lanes_.find(at->second.lane);
      if (lane != lanes_.end() && lane->second.bytes > Most() / 2) {
        ++at;
        continue;
      }
      if (std::shared_ptr<Sender> sender = at->second.sender.lock()) {
        drained.push_back(std::move(sender));
      }
      at = full_.erase(at);
    }
    return drained;
  }

  bool empty() const { return turns_.empty(); }
  uint64_t bytes() const { return bytes_; }

 private:
  struct Waiting {
    Key key;
    uint64_t bytes = 0;
    Item item;
  };
  struct Lane {
    std::deque<Waiting> items;
    uint64_t bytes = 0;
    int64_t credit = 0;
    bool has_turn = false;
  };
  // Where items of a key wait, and how many.
  struct Place {
    const void* lane = nullptr;
    size_t waiting = 0;
  };
  // A sender that was told to wait, until what is in this lane has gone.
  struct Full {
    std::weak_ptr<Sender> sender;
    const void* lane = nullptr;
  };

  // So much one may have now: it is full when it has as much as all could still bring.
  uint64_t Most() const {
    return std::min(limits_.sender_bytes, limits_.bytes - std::min(limits_.bytes, bytes_));
  }

  const Limits limits_;
  uint64_t bytes_ = 0;
  size_t left_of_round_ = 0;                      // of the first in `turns_`
  absl::flat_hash_map<const void*, Lane> lanes_;  // none is empty
  std::deque<const void*> turns_;                 // all lanes; whose turn it is first
  absl::flat_hash_map<Key, Place> places_;
  std::map<const void*, Full> full_;
};

}  // namespace grange::trace

#endif  // GRANGE_COORDINATOR_TRACE_FAIR_QUEUE_H_
