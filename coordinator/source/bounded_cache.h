#ifndef GRANGE_COORDINATOR_SOURCE_BOUNDED_CACHE_H_
#define GRANGE_COORDINATOR_SOURCE_BOUNDED_CACHE_H_

#include <list>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/base/mutex.h"

namespace grange::source {

// The values that were used last, at most `cost_max` of them together. Thread-safe.
template <typename Value>
class BoundedCache {
 public:
  explicit BoundedCache(size_t cost_max) : cost_max_(cost_max) {}

  std::optional<Value> Find(const std::string& key) ABSL_LOCKS_EXCLUDED(mu_) {
    base::MutexLock lock(mu_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::nullopt;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->value;
  }

  // Replaces an older one. A value that costs more than all may is not kept.
  void Put(const std::string& key, Value value, size_t cost) ABSL_LOCKS_EXCLUDED(mu_) {
    base::MutexLock lock(mu_);
    Drop(key);
    if (cost > cost_max_) return;
    order_.push_front(Entry{.key = key, .value = std::move(value), .cost = cost});
    entries_[key] = order_.begin();
    cost_ += cost;
    while (cost_ > cost_max_) Drop(std::string(order_.back().key));
  }

  void Remove(const std::string& key) ABSL_LOCKS_EXCLUDED(mu_) {
    base::MutexLock lock(mu_);
    Drop(key);
  }

 private:
  struct Entry {
    std::string key;
    Value value;
    size_t cost = 0;
  };

  void Drop(const std::string& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    cost_ -= found->second->cost;
    order_.erase(found->second);
    entries_.erase(found);
  }

  const size_t cost_max_;
  base::Mutex mu_;
  std::list<Entry> order_ ABSL_GUARDED_BY(mu_);  // newest use first
  absl::flat_hash_map<std::string, typename std::list<Entry>::iterator> entries_
      ABSL_GUARDED_BY(mu_);
  size_t cost_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_BOUNDED_CACHE_H_
