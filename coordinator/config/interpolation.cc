#include "coordinator/config/interpolation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/text/edit_distance.h"
#include "coordinator/config/interpolation_block.h"
#include "coordinator/config/json_text.h"
#include "coordinator/config/limits.h"

namespace grange::config {
namespace {

constexpr size_t kShownBlockMax = 100;  // bytes of a block in a message

class Interpolator {
 public:
  Interpolator(const InterpolationScope& scope, ValueArena& arena,
               std::vector<Diagnostic>& diagnostics)
      : scope_(scope), arena_(arena), diagnostics_(diagnostics) {}

  bool ok() const { return ok_; }

  // Recurses as deep as values are nested: at most kDepthMax.
  const Value* Resolve(const Value* value) {
    if (value->IsNull()) return value;
    const auto known = resolved_.find(value);
    if (known != resolved_.end()) return known->second;
    const Value* result = value->IsScalar() ? Scalar(*value)
                          : value->IsList() ? List(*value)
                                            : Map(*value);
    resolved_[value] = result;
    return result;
  }

 private:
  const Value* Scalar(const Value& value) {
    const std::optional<BlockSpan> first = FindBlock(value.text, 0);
    if (!first.has_value()) return &value;
    if (first->begin == 0 && first->end == value.text.size()) {
      const Value* whole = WholeValue(value, *first);
      return whole == nullptr ? &value : whole;
    }
    const std::optional<std::string> text = Text(value.text, value.place);
    if (!text.has_value() || *text == value.text) return &value;
    return AddText(*text, value.place);
  }

  // The value of a text that is one block; nullptr if the text stays.
  const Value* WholeValue(const Value& value, const BlockSpan& span) {
    const absl::StatusOr<InterpolationBlock> block = ParseBlock(span.inside);
    if (!block.ok()) return BlockError(value.place, span, block.status().message());
    if (block->space == "matrix") return nullptr;
    const Value* named = Named(value.place, span, *block);
    if (named == nullptr) return nullptr;
    if (!block->functions.empty()) {
      const std::optional<std::string> text = Apply(*named, value.place, span, *block);
      return text.has_value() ? AddText(*text, value.place) : nullptr;
    }
    if (!named->IsScalar()) return named;
    Value* copy = arena_.Add(Value::Kind::kScalar, value.place);
    copy->text = named->text;
    copy->quoted = named->IsText();
    return Counted(copy->text.size(), value.place) ? copy : nullptr;
  }

  // The text with all its blocks replaced; nullopt after an error.
  std::optional<std::string> Text(const std::string& text, Place place) {
    if (text.size() > kInterpolatedTextMax) return TooLong(place);
    std::string out;
    size_t from = 0;
    bool failed = false;
    while (const std::optional<BlockSpan> span = FindBlock(text, from)) {
      absl::StrAppend(&out, absl::string_view(text).substr(from, span->begin - from));
      const std::optional<std::string> value = BlockText(place, *span);
      failed = failed || !value.has_value();
      absl::StrAppend(&out, value.value_or(""));
      if (out.size() > kInterpolatedTextMax) return TooLong(place);
      from = span->end;
    }
    absl::StrAppend(&out, absl::string_view(text).substr(from));
    if (failed || !Counted(out.size(), place)) return std::nullopt;
    if (out.size() > kInterpolatedTextMax) return TooLong(place);
    return out;
  }

  std::optional<std::string> BlockText(Place place, const BlockSpan& span) {
    const absl::StatusOr<InterpolationBlock> block = ParseBlock(span.inside);
    if (!block.ok()) {
      BlockError(place, span, block.status().message());
      return std::nullopt;
    }
    if (block->space == "matrix") return Written(span);
    const Value* named = Named(place, span, *block);
    if (named == nullptr) return std::nullopt;
    if (!block->functions.empty()) return Apply(*named, place, span, *block);
    if (named->IsScalar()) return named->text;
    std::optional<std::string> json = ToJson(*named, kInterpolatedTextMax);
    return json.has_value() ? json : TooLong(place);
  }

  // What the block names; nullptr after an error.
  const Value* Named(Place place, const BlockSpan& span, const InterpolationBlock& block) {
    if (block.space == "inputs") {
      const auto it = scope_.inputs.find(block.name);
      if (it != scope_.inputs.end()) return it->second;
      std::vector<std::string> names;
      for (const auto& [name, value] : scope_.inputs) names.push_back(name);
      std::sort(names.begin(), names.end());
      return BlockError(place, span,
                        absl::StrCat("the file has no input '", block.name, "'",
                                     names.empty() ? "; declare it with 'spec:inputs'"
                                                   : text::DidYouMean(block.name, names)));
    }
    if (block.space == "component") return OfComponent(place, span, block.name);
    return BlockError(
        place, span,
        absl::StrCat("there is no '", block.space, "'; it takes 'inputs', ",
                     "'component' or 'matrix'",
                     text::DidYouMean(block.space, {"inputs", "component", "matrix"})));
  }

  const Value* OfComponent(Place place, const BlockSpan& span, const std::string& name) {
    const std::vector<std::string>& asked = scope_.component_words;
    if (std::find(asked.begin(), asked.end(), name) == asked.end()) {
      return BlockError(place, span,
                        absl::StrCat("the header does not ask for it; add 'spec:component: [", name,
                                     "]', which takes name, sha, version and reference"));
    }
    if (scope_.component == nullptr) {
      return BlockError(place, span, "the file was not included as a component");
    }
    const ComponentFacts& facts = *scope_.component;
    return AddText(name == "name"      ? facts.name
                   : name == "sha"     ? facts.sha
                   : name == "version" ? facts.version
                                       : facts.reference,
                   place);
  }

  std::optional<std::string> Apply(const Value& value, Place place, const BlockSpan& span,
                                   const InterpolationBlock& block) {
    if (!value.IsText()) {
      BlockError(place, span,
                 absl::StrCat("functions take text, but the input is ", value.KindName()));
      return std::nullopt;
    }
    std::string text = value.text;
    for (const InterpolationFunction& function : block.functions) {
      absl::StatusOr<std::string> result = ApplyFunction(function, text, scope_.expand);
      if (!result.ok()) {
        BlockError(place, span, result.status().message());
        return std::nullopt;
      }
      text = *std::move(result);
      if (text.size() > kInterpolatedTextMax) return TooLong(place);
    }
    return text;
  }

  const Value* List(const Value& list) {
    std::vector<const Value*> items = list.items;
    bool changed = false;
    for (const Value*& item : items) {
      const Value* resolved = Resolve(item);
      changed = changed || resolved != item;
      item = resolved;
    }
    if (!changed) return &list;
    Value* result = arena_.Add(Value::Kind::kList, list.place);
    result->reference = list.reference;
    result->items = std::move(items);
    return Checked(list, result);
  }

  const Value* Map(const Value& map) {
    std::vector<Entry> entries;
    absl::flat_hash_map<std::string, size_t> index;
    bool changed = false;
    for (const Entry& entry : map.entries) {
      Entry own = {entry.key, entry.key_place, Resolve(entry.value)};
      const bool renamed = FindBlock(entry.key, 0).has_value();
      if (renamed) own.key = Text(entry.key, entry.key_place).value_or(entry.key);
      changed = changed || own.value != entry.value || own.key != entry.key;
      const auto [at, is_new] = index.try_emplace(own.key, entries.size());
      if (is_new) {
        entries.push_back(std::move(own));
      } else {
        Warn(own.key_place, absl::StrCat("'", own.key, "' is given twice; the one at ",
                                         entries[at->second].key_place.Span().ToString(),
                                         " has no effect; remove one of them"));
        entries[at->second] = std::move(own);
      }
    }
    if (!changed) return &map;
    Value* result = arena_.Add(Value::Kind::kMap, map.place);
    result->entries = std::move(entries);
    return Checked(map, result);
  }

  const Value* Checked(const Value& before, Value* result) {
    CountVisits(*result);
    if (result->visits <= kVisitsMax && result->depth <= kDepthMax) return result;
    if (!too_large_) {
      Error(
          before.place,
          result->depth > kDepthMax
              ? absl::StrCat("inputs nest lists and maps more than ", kDepthMax, " deep")
              : absl::StrCat("inputs repeat more than ", kVisitsMax, " values; give smaller ones"));
    }
    too_large_ = true;
    return &before;
  }

  const Value* AddText(std::string text, Place place) {
    Value* value = arena_.Add(Value::Kind::kScalar, place);
    value->text = std::move(text);
    value->quoted = true;
    return value;
  }

  bool Counted(size_t bytes, Place place) {
    if (arena_.CountInterpolated(bytes)) return true;
    if (!too_large_) {
      Error(place, absl::StrCat("texts with '$[[ ]]' have more than ", kInterpolatedBytesMax,
                                " bytes together; give shorter inputs"));
    }
    too_large_ = true;
    return false;
  }

  std::nullopt_t TooLong(Place place) {
    Error(place, absl::StrCat("a text with '$[[ ]]' has more than ", kInterpolatedTextMax,
                              " bytes; the limit is for the result, too"));
    return std::nullopt;
  }

  static std::string Written(const BlockSpan& span) {
    return absl::StrCat("$[[", span.inside, "]]");
  }

  std::nullptr_t BlockError(Place place, const BlockSpan& span, absl::string_view why) {
    const std::string written =
        span.inside.size() > kShownBlockMax
            ? absl::StrCat("$[[", span.inside.substr(0, kShownBlockMax), "…")
            : Written(span);
    Error(place, absl::StrCat("'", written, "': ", why));
    return nullptr;
  }

  void Error(Place place, std::string message) {
    ok_ = false;
    Report(diagnostics_, Diagnostic::Severity::kError, place.Span(), std::move(message));
  }

  void Warn(Place place, std::string message) {
    Report(diagnostics_, Diagnostic::Severity::kWarning, place.Span(), std::move(message));
  }

  const InterpolationScope& scope_;
  ValueArena& arena_;
  std::vector<Diagnostic>& diagnostics_;
  absl::flat_hash_map<const Value*, const Value*> resolved_;
  bool ok_ = true;
  bool too_large_ = false;
};

class Finder {
 public:
  const Value* Find(const Value* value) {
    if (!seen_.insert(value).second) return nullptr;
    if (value->IsScalar()) return Names(value->text) ? value : nullptr;
    for (const Value* item : value->items) {
      if (const Value* found = Find(item); found != nullptr) return found;
    }
    for (const Entry& entry : value->entries) {
      if (const Value* found = Find(entry.value); found != nullptr) return found;
    }
    return nullptr;
  }

 private:
  static bool Names(absl::string_view text) {
    size_t from = 0;
    while (const std::optional<BlockSpan> span = FindBlock(text, from)) {
      const absl::StatusOr<InterpolationBlock> block = ParseBlock(span->inside);
      if (block.ok() && (block->space == "inputs" || block->space == "component")) return true;
      from = span->end;
    }
    return false;
  }

  absl::flat_hash_set<const Value*> seen_;
};

}  // namespace

const Value* Interpolate(const Value* root, const InterpolationScope& scope, ValueArena& arena,
                         std::vector<Diagnostic>& diagnostics) {
  Interpolator interpolator(scope, arena, diagnostics);
  const Value* result = interpolator.Resolve(root);
  return interpolator.ok() ? result : nullptr;
}

const Value* FindInterpolation(const Value* root) { return Finder().Find(root); }

}  // namespace grange::config
