#include "coordinator/config/references.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/text/edit_distance.h"
#include "coordinator/config/limits.h"

namespace grange::config {
namespace {

// "!reference [.setup, script]", as far as it is text.
std::string Written(const Value& reference) {
  std::string text = "'!reference [";
  for (size_t i = 0; i < reference.items.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", reference.items[i]->text);
  }
  return absl::StrCat(text, "]'");
}

class Resolver {
 public:
  Resolver(const Value& root, ValueArena& arena, std::vector<Diagnostic>& diagnostics)
      : root_(root), arena_(arena), diagnostics_(diagnostics) {
    for (const Entry& entry : root.entries) index_[entry.key] = entry.value;
  }

  const Value* Resolve(const Value* value) {
    if (value->IsNull() || value->IsScalar()) return value;
    const auto known = resolved_.find(value);
    if (known != resolved_.end()) {
      height_ = std::max(height_, known->second.height);
      return known->second.value;
    }
    const int height_before = std::exchange(height_, 0);
    const Value* result = value->reference  ? Target(*value)
                          : value->IsList() ? List(*value)
                                            : Map(*value);
    resolved_[value] = {result, height_};
    height_ = std::max(height_, height_before);
    return result;
  }

 private:
  const Value* List(const Value& list) {
    std::vector<const Value*> items;
    bool changed = false;
    for (const Value* item : list.items) {
      const Value* resolved = Resolve(item);
      changed = changed || resolved != item;
      if (item->reference && resolved != item && resolved->IsList()) {
        items.insert(items.end(), resolved->items.begin(), resolved->items.end());
      } else {
        items.push_back(resolved);
      }
    }
    if (!changed) return &list;
    Value* result = arena_.Add(Value::Kind::kList, list.place);
    result->items = std::move(items);
    return Counted(list, result);
  }

  const Value* Map(const Value& map) {
    std::vector<Entry> entries = map.entries;
    bool changed = false;
    for (Entry& entry : entries) {
      const Value* resolved = Resolve(entry.value);
      changed = changed || resolved != entry.value;
      entry.value = resolved;
    }
    if (!changed) return &map;
    Value* result = arena_.Add(Value::Kind::kMap, map.place);
    result->entries = std::move(entries);
    return Counted(map, result);
  }

  // `result` takes the place of `before`, unless it has become too large.
  const Value* Counted(const Value& before, Value* result) {
    CountVisits(*result);
    if (result->visits <= kVisitsMax && result->depth <= kDepthMax) return result;
    if (!too_large_) {
      Error(before.place,
            result->depth > kDepthMax
                ? absl::StrCat("'!reference' nests lists and maps more than ", kDepthMax, " deep")
                : absl::StrCat("'!reference' repeats more than ", kVisitsMax,
                               " values; refer to less"));
    }
    too_large_ = true;
    return &before;
  }

  const Value* Target(const Value& reference) {
    if (std::find(open_.begin(), open_.end(), &reference) != open_.end()) {
      Error(reference.place, absl::StrCat(Written(reference), " stands inside what it refers to"));
      return &reference;
    }
    if (open_.size() >= static_cast<size_t>(kReferenceDepthMax)) {
      Error(reference.place,
            absl::StrCat("references are nested more than ", kReferenceDepthMax, " deep"));
      return &reference;
    }
    open_.push_back(&reference);
    const Value* target = Find(reference);
    if (target != nullptr) target = Resolve(target);
    open_.pop_back();
    if (target == nullptr) return &reference;
    if (++height_ <= kReferenceDepthMax) return target;
    // What it refers to was resolved before, so that it is not open.
    height_ = 0;
    Error(reference.place,
          absl::StrCat("references are nested more than ", kReferenceDepthMax, " deep"));
    return &reference;
  }

  // The value at the path; nullptr, with an error, if it is not there.
  const Value* Find(const Value& reference) {
    const Value* at = &root_;
    std::string path;
    for (const Value* key : reference.items) {
      if (!key->IsScalar()) {
        Error(key->place, absl::StrCat("'!reference' takes names, such as [.setup, script], but ",
                                       "this is ", key->KindName()));
        return nullptr;
      }
      const Value* next = Step(*at, key->text);
      if (next == nullptr) {
        const std::string owner = path.empty() ? "the configuration" : absl::StrCat("'", path, "'");
        Error(key->place, absl::StrCat(Written(reference), ": ", owner, " has no '", key->text, "'",
                                       Suggestion(*at, key->text)));
        return nullptr;
      }
      at = next->reference ? Resolve(next) : next;
      absl::StrAppend(&path, path.empty() ? "" : ":", key->text);
    }
    if (at != &root_) return at;
    Error(reference.place, "'!reference' is empty; it takes a list such as [.setup, script]");
    return nullptr;
  }

  const Value* Step(const Value& from, const std::string& key) const {
    if (&from == &root_) {
      const auto it = index_.find(key);
      return it == index_.end() ? nullptr : it->second;
    }
    size_t number = 0;
    if (from.IsList()) {
      return absl::SimpleAtoi(key, &number) && number < from.items.size() ? from.items[number]
                                                                          : nullptr;
    }
    const Entry* entry = from.Find(key);
    return entry == nullptr ? nullptr : entry->value;
  }

  static std::string Suggestion(const Value& at, const std::string& key) {
    std::vector<std::string> names;
    for (const Entry& entry : at.entries) names.push_back(entry.key);
    return text::DidYouMean(key, names);
  }

  void Error(Place place, std::string message) {
    Report(diagnostics_, Diagnostic::Severity::kError, place.Span(), std::move(message));
  }

  const Value& root_;
  ValueArena& arena_;
  std::vector<Diagnostic>& diagnostics_;
  absl::flat_hash_map<absl::string_view, const Value*> index_;
  struct Resolved {
    const Value* value;
    int height;  // of references inside each other in it
  };
  absl::flat_hash_map<const Value*, Resolved> resolved_;
  int height_ = 0;  // the highest of what was resolved since it was last 0
  std::vector<const Value*> open_;  // the references that are being resolved, outermost first
  bool too_large_ = false;
};

}  // namespace

const Value* ResolveReferences(const Value* root, ValueArena& arena,
                               std::vector<Diagnostic>& diagnostics) {
  if (!arena.has_references()) return root;
  return Resolver(*root, arena, diagnostics).Resolve(root);
}

}  // namespace grange::config
