#ifndef GRANGE_COORDINATOR_CONFIG_VALUE_H_
#define GRANGE_COORDINATOR_CONFIG_VALUE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/source_span.h"

namespace grange::config {

// Where a value is written. Cheap to copy; the file's name lives in the ValueArena.
struct Place {
  const std::string* file = nullptr;
  int line = 0;  // from 1; 0 means the file as a whole
  int column = 0;

  SourceSpan Span() const { return {file == nullptr ? "" : *file, line, column}; }
};

struct Value;

// One `key: value` of a map.
struct Entry {
  std::string key;
  Place key_place;
  const Value* value;
};

// A value of a configuration: our own tree, without any type of the YAML library.
//
// Immutable once built and possibly shared: an alias, a merge and `extends` point to the same
// value, whose place is where its text stands. There are no cycles, and a walk over everything
// visits at most kVisitsMax values.
struct Value {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;     // a scalar in quotes, or a block of text: never a number or a boolean
  bool reference = false;  // a list with the tag !reference: the path of another value
  Place place;
  std::string text;                 // of a scalar
  std::vector<const Value*> items;  // of a list
  std::vector<Entry> entries;       // of a map: keys are unique
  int64_t visits = 1;               // how many values a walk from here visits
  int depth = 0;                    // of a list or map: how many are nested, itself counted

  bool IsNull() const { return kind == Kind::kNull; }
  bool IsScalar() const { return kind == Kind::kScalar; }
  bool IsList() const { return kind == Kind::kList; }
  bool IsMap() const { return kind == Kind::kMap; }

  // The entry of a map, or nullptr; linear: for small maps, or few look-ups.
  const Entry* Find(absl::string_view key) const;

  // What the text means by the rules of YAML 1.1, which GitLab follows; nullopt if something else.
  std::optional<bool> AsBool() const;        // true yes on, false no off; not in quotes
  std::optional<int64_t> AsInteger() const;  // decimal digits; not in quotes
  // True for a scalar that is text: in quotes, or neither a boolean nor a number.
  bool IsText() const;
  bool IsNumber() const { return IsScalar() && !IsText() && !AsBool().has_value(); }

  // For messages: "a list", "text", "a number", "a boolean", "a map", "empty".
  absl::string_view KindName() const;
};

// Owns the values of a configuration and the names of its files. Values never move.
class ValueArena {
 public:
  ValueArena() = default;
  ValueArena(const ValueArena&) = delete;
  ValueArena& operator=(const ValueArena&) = delete;

  Value* Add(Value::Kind kind, Place place);
  const std::string* AddFile(absl::string_view name);

  // Some value is a reference: there is something to resolve.
  void NoteReference() { has_references_ = true; }
  bool has_references() const { return has_references_; }

  // Counts values made by merging; false once there are more than kVisitsMax.
  bool CountMerged(int64_t values);
  // Counts bytes of texts made by interpolation; false above kInterpolatedBytesMax.
  bool CountInterpolated(size_t bytes);

 private:
  std::deque<Value> values_;
  std::deque<std::string> files_;
  int64_t merged_ = 0;
  size_t interpolated_ = 0;
  bool has_references_ = false;
};

// Sets `visits` and `depth` from the children.
void CountVisits(Value& value);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_VALUE_H_
