#include "coordinator/config/merge.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace grange::config {

// Recurses as deep as the values are nested: at most kDepthMax.
const Value* MergeDeep(const Value* base, const Value* over, ValueArena& arena) {
  if (!base->IsMap() || !over->IsMap()) return over;
  if (!arena.CountMerged(static_cast<int64_t>(base->entries.size() + over->entries.size()) + 1)) {
    return nullptr;
  }
  std::vector<Entry> entries = base->entries;
  absl::flat_hash_map<absl::string_view, size_t> index;
  for (size_t i = 0; i < base->entries.size(); ++i) index[base->entries[i].key] = i;
  std::vector<bool> removed(entries.size(), false);
  for (const Entry& entry : over->entries) {
    const auto it = index.find(entry.key);
    if (it == index.end()) {
      entries.push_back(entry);
      removed.push_back(false);
      continue;
    }
    Entry& target = entries[it->second];
    if (entry.value->IsNull()) {
      removed[it->second] = true;
      continue;
    }
    const Value* merged = MergeDeep(target.value, entry.value, arena);
    if (merged == nullptr) return nullptr;
    target = {entry.key, entry.key_place, merged};
  }
  Value* result = arena.Add(Value::Kind::kMap, over->place);
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!removed[i]) result->entries.push_back(std::move(entries[i]));
  }
  CountVisits(*result);
  return result;
}

}  // namespace grange::config
