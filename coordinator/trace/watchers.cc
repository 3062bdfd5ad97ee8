#include "coordinator/trace/watchers.h"

#include <algorithm>

namespace grange::trace {

class Watchers::Handle final : public TraceStore::Watch {
 public:
  Handle(std::shared_ptr<State> state, Key key, std::shared_ptr<Entry> entry)
      : state_(std::move(state)), key_(key), entry_(std::move(entry)) {}

  ~Handle() override {
    {
      base::MutexLock lock(state_->mu);
      const auto of_key = state_->entries.find(key_);
      std::erase(of_key->second, entry_);
      if (of_key->second.empty()) state_->entries.erase(of_key);
    }
    base::MutexLock lock(entry_->mu);  // waits for a call that runs now
    entry_->on_change = nullptr;
  }

 private:
  const std::shared_ptr<State> state_;
  const Key key_;
  const std::shared_ptr<Entry> entry_;
};

std::unique_ptr<TraceStore::Watch> Watchers::Add(const Key& key, std::function<void()> on_change) {
  auto entry = std::make_shared<Entry>();
  {
    base::MutexLock lock(entry->mu);
    entry->on_change = std::move(on_change);
  }
  base::MutexLock lock(state_->mu);
  state_->entries[key].push_back(entry);
  return std::make_unique<Handle>(state_, key, std::move(entry));
}

void Watchers::Tell(const Key& key) {
  std::vector<std::shared_ptr<Entry>> of_key;
  {
    base::MutexLock lock(state_->mu);
    const auto found = state_->entries.find(key);
    if (found == state_->entries.end()) return;
    of_key = found->second;
  }
  for (const std::shared_ptr<Entry>& entry : of_key) {
    base::MutexLock lock(entry->mu);
    if (entry->on_change) entry->on_change();
  }
}

}  // namespace grange::trace
