#include "coordinator/config/extends.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/text/edit_distance.h"
#include "coordinator/config/limits.h"
#include "coordinator/config/merge.h"

namespace grange::config {
namespace {

class Resolver {
 public:
  Resolver(const Value& root, ValueArena& arena, std::vector<Diagnostic>& diagnostics)
      : root_(root), arena_(arena), diagnostics_(diagnostics), states_(root.entries.size()) {
    for (size_t i = 0; i < root.entries.size(); ++i) index_[root.entries[i].key] = i;
  }

  const Value* Resolve(size_t i) {
    State& state = states_[i];
    if (state.result != nullptr) return state.result;
    const Entry& job = root_.entries[i];
    const Entry* extends = job.value->IsMap() ? job.value->Find("extends") : nullptr;
    if (extends == nullptr) return state.result = job.value;
    state.open = true;
    open_.push_back(i);
    const Value* merged = MergeParents(job, *extends);
    open_.pop_back();
    state.open = false;
    return state.result = merged == nullptr ? job.value : merged;
  }

 private:
  struct State {
    const Value* result = nullptr;
    int levels = 0;  // of parents above it
    bool open = false;
  };

  // nullptr if one of the parents is wrong.
  const Value* MergeParents(const Entry& job, const Entry& extends) {
    // Bounds the recursion; the levels below jobs that were resolved before are added up.
    if (open_.size() > static_cast<size_t>(kExtendsDepthMax)) return TooDeep(job, extends);
    if (extends.value->reference) {
      Error(extends.value->place,
            absl::StrCat("job '", job.key, "': 'extends' is resolved before '!reference', which ",
                         "can't be used in it; write the names out"));
      return nullptr;
    }
    std::vector<const Value*> names = {extends.value};
    if (extends.value->IsList()) names = extends.value->items;
    const Value* merged = nullptr;
    for (const Value* name : names) {
      const Value* parent = FindParent(job, *name);
      if (parent == nullptr) return nullptr;
      const int levels = states_[index_.at(name->text)].levels + 1;
      if (levels > kExtendsDepthMax) return TooDeep(job, extends);
      states_[open_.back()].levels = std::max(states_[open_.back()].levels, levels);
      merged = merged == nullptr ? parent : Merge(extends, merged, parent);
      if (merged == nullptr) return nullptr;
    }
    const Value* own = WithoutExtends(*job.value);
    return merged == nullptr ? own : Merge(extends, merged, own);
  }

  const Value* TooDeep(const Entry& job, const Entry& extends) {
    Error(extends.key_place, absl::StrCat("job '", job.key, "' extends more than ",
                                          kExtendsDepthMax, " levels; extend fewer"));
    return nullptr;
  }

  const Value* FindParent(const Entry& job, const Value& name) {
    if (!name.IsScalar()) {
      Error(name.place, absl::StrCat("job '", job.key, "': 'extends' takes a name or a list of ",
                                     "names, but this is ", name.KindName()));
      return nullptr;
    }
    const auto it = index_.find(name.text);
    if (it == index_.end() || !root_.entries[it->second].value->IsMap()) {
      Error(name.place, absl::StrCat("job '", job.key, "' extends '", name.text,
                                     "', which does not exist", Suggestion(name.text)));
      return nullptr;
    }
    if (states_[it->second].open) {
      Error(name.place, absl::StrCat("job '", job.key, "' extends itself: ", Circle(it->second)));
      return nullptr;
    }
    return Resolve(it->second);
  }

  std::string Circle(size_t start) const {
    std::vector<absl::string_view> names;
    for (const size_t i : open_) {
      if (i == start || !names.empty()) names.push_back(root_.entries[i].key);
    }
    names.push_back(root_.entries[start].key);
    return absl::StrJoin(names, " -> ");
  }

  std::string Suggestion(const std::string& name) {
    if (++suggestions_ > kSuggestionsMax) return "";
    std::vector<std::string> names;
    for (const Entry& entry : root_.entries) {
      if (entry.value->IsMap()) names.push_back(entry.key);
    }
    return text::DidYouMean(name, names);
  }

  const Value* Merge(const Entry& extends, const Value* base, const Value* over) {
    const Value* merged = MergeDeep(base, over, arena_);
    if (merged == nullptr || merged->visits > kVisitsMax) {
      Error(extends.key_place, absl::StrCat("'extends' repeats more than ", kVisitsMax,
                                            " values; extend smaller jobs"));
      return nullptr;
    }
    return merged;
  }

  const Value* WithoutExtends(const Value& job) {
    Value* copy = arena_.Add(Value::Kind::kMap, job.place);
    for (const Entry& entry : job.entries) {
      if (entry.key != "extends") copy->entries.push_back(entry);
    }
    CountVisits(*copy);
    return copy;
  }

  void Error(Place place, std::string message) {
    Report(diagnostics_, Diagnostic::Severity::kError, place.Span(), std::move(message));
  }

  static constexpr int kSuggestionsMax = 100;

  const Value& root_;
  ValueArena& arena_;
  std::vector<Diagnostic>& diagnostics_;
  absl::flat_hash_map<absl::string_view, size_t> index_;
  std::vector<State> states_;
  std::vector<size_t> open_;
  int suggestions_ = 0;
};

}  // namespace

const Value* ResolveExtends(const Value* root, ValueArena& arena,
                            std::vector<Diagnostic>& diagnostics) {
  Resolver resolver(*root, arena, diagnostics);
  std::vector<const Value*> resolved(root->entries.size());
  bool any = false;
  for (size_t i = 0; i < resolved.size(); ++i) {
    resolved[i] = resolver.Resolve(i);
    any = any || resolved[i] != root->entries[i].value;
  }
  if (!any) return root;
  Value* result = arena.Add(Value::Kind::kMap, root->place);
  for (size_t i = 0; i < resolved.size(); ++i) {
    result->entries.push_back({root->entries[i].key, root->entries[i].key_place, resolved[i]});
  }
  CountVisits(*result);
  return result;
}

}  // namespace grange::config
