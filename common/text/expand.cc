#include "common/text/expand.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace grange::text {
namespace {

bool IsNameStart(char c) { return absl::ascii_isalpha(c) || c == '_'; }
bool IsNamePart(char c) { return absl::ascii_isalnum(c) || c == '_'; }

// A piece of a text: plain, or a reference to a name.
struct Piece {
  absl::string_view whole;  // as written
  absl::string_view name;   // "" for plain text
};

// Calls `visit(Piece)` for each piece, in order; stops when it returns false.
template <typename Visit>
void ForEachPiece(absl::string_view text, const Visit& visit) {
  size_t plain = 0;
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] != '$' || at + 1 == text.size()) {
      ++at;
      continue;
    }
    size_t end = at + 1;
    absl::string_view name;
    if (text[end] == '$') {
      // The first `$` stays as the end of the plain text, the second is left out.
      if (!visit(Piece{text.substr(plain, at + 1 - plain), ""})) return;
      at = plain = at + 2;
      continue;
    }
    const bool braces = text[end] == '{';
    const size_t start = braces ? end + 1 : end;
    if (start < text.size() && IsNameStart(text[start])) {
      end = start;
      while (end < text.size() && IsNamePart(text[end])) ++end;
      name = text.substr(start, end - start);
      if (braces && (end == text.size() || text[end] != '}')) name = "";
      if (braces) ++end;
    }
    if (name.empty()) {  // `$(…)`, `$1`, `${a:-b}`: the shell's business
      ++at;
      continue;
    }
    if (plain < at && !visit(Piece{text.substr(plain, at - plain), ""})) return;
    if (!visit(Piece{text.substr(at, end - at), name})) return;
    at = plain = end;
  }
  if (plain < text.size()) visit(Piece{text.substr(plain), ""});
}

// The definitions of ExpandAll() and what each of them refers to.
class Definitions {
 public:
  static constexpr int kNone = -1;

  explicit Definitions(const std::vector<NamedValue>& variables)
      : variables_(variables), earlier_(variables.size(), kNone) {
    for (int i = 0; i < Size(); ++i) {
      const auto [it, fresh] = newest_.try_emplace(variables[i].name, i);
      if (fresh) continue;
      earlier_[i] = it->second;
      it->second = i;
    }
  }

  int Size() const { return static_cast<int>(variables_.size()); }
  bool IsNewest(int i) const { return newest_.at(variables_[i].name) == i; }

  // The definition that `name` means inside the value of definition `from`, or kNone.
  int Find(int from, absl::string_view name) const {
    if (name == variables_[from].name) return earlier_[from];
    const auto it = newest_.find(name);
    return it == newest_.end() ? kNone : it->second;
  }

  std::vector<int> References(int i) const {
    std::vector<int> result;
    if (!variables_[i].expand) return result;
    ForEachPiece(variables_[i].value, [&](const Piece& piece) {
      const int target = piece.name.empty() ? kNone : Find(i, piece.name);
      if (target != kNone) result.push_back(target);
      return true;
    });
    return result;
  }

 private:
  const std::vector<NamedValue>& variables_;
  std::vector<int> earlier_;  // the definition of the same name before this one
  absl::flat_hash_map<absl::string_view, int> newest_;
};

struct OpenDefinition {
  int index;
  std::vector<int> references;
  size_t next = 0;
};

absl::Status Circle(const std::vector<NamedValue>& variables,
                    const std::vector<OpenDefinition>& open, int again) {
  constexpr size_t kNamesMax = 10;
  std::string names;
  bool inside = false;
  size_t shown = 0;
  for (const OpenDefinition& definition : open) {
    inside = inside || definition.index == again;
    if (!inside) continue;
    if (++shown > kNamesMax) {
      absl::StrAppend(&names, "… -> ");
      break;
    }
    absl::StrAppend(&names, variables[definition.index].name, " -> ");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("variables refer to each other in a circle: ", names, variables[again].name));
}

// The indices so that each comes after those it refers to. With a stack of its own: a chain of
// variables may be longer than a thread's stack is deep.
absl::StatusOr<std::vector<int>> OrderByReference(const std::vector<NamedValue>& variables,
                                                  const Definitions& definitions) {
  enum class Mark : char { kNew, kOpen, kDone };
  std::vector<Mark> marks(variables.size(), Mark::kNew);
  std::vector<int> order;
  std::vector<OpenDefinition> open;
  for (int root = 0; root < definitions.Size(); ++root) {
    if (marks[root] != Mark::kNew || !definitions.IsNewest(root)) continue;
    marks[root] = Mark::kOpen;
    open.push_back({root, definitions.References(root)});
    while (!open.empty()) {
      OpenDefinition& top = open.back();
      if (top.next == top.references.size()) {
        marks[top.index] = Mark::kDone;
        order.push_back(top.index);
        open.pop_back();
        continue;
      }
      const int target = top.references[top.next++];
      if (marks[target] == Mark::kOpen) return Circle(variables, open, target);
      if (marks[target] == Mark::kDone) continue;
      marks[target] = Mark::kOpen;
      open.push_back({target, definitions.References(target)});
    }
  }
  return order;
}

}  // namespace

std::string Expand(absl::string_view text,
                   const std::function<std::optional<std::string>(absl::string_view)>& look_up,
                   Unknown unknown) {
  std::string result;
  result.reserve(text.size());
  ForEachPiece(text, [&](const Piece& piece) {
    if (piece.name.empty()) {
      absl::StrAppend(&result, piece.whole);
    } else if (const std::optional<std::string> value = look_up(piece.name); value.has_value()) {
      result += *value;
    } else if (unknown == Unknown::kKeep) {
      absl::StrAppend(&result, piece.whole);
    }
    return true;
  });
  return result;
}

absl::StatusOr<std::vector<NamedValue>> ExpandAll(const std::vector<NamedValue>& variables,
                                                  size_t bytes_max) {
  const Definitions definitions(variables);
  absl::StatusOr<std::vector<int>> order = OrderByReference(variables, definitions);
  if (!order.ok()) return order.status();

  std::vector<std::string> values(variables.size());
  size_t bytes = 0;
  for (const int i : *order) {
    const NamedValue& variable = variables[i];
    std::string& value = values[i];
    const auto add = [&](absl::string_view part) {
      bytes += part.size();
      if (bytes > bytes_max) return false;
      absl::StrAppend(&value, part);
      return true;
    };
    if (!variable.expand) {
      add(variable.value);
    } else {
      ForEachPiece(variable.value, [&](const Piece& piece) {
        const int target =
            piece.name.empty() ? Definitions::kNone : definitions.Find(i, piece.name);
        return add(target == Definitions::kNone ? piece.whole : absl::string_view(values[target]));
      });
    }
    if (bytes > bytes_max) {
      return absl::ResourceExhaustedError(absl::StrCat("the variables have more than ", bytes_max,
                                                       " bytes together, at '", variable.name,
                                                       "'; a value may refer to too many others"));
    }
  }

  std::vector<NamedValue> result;
  for (int i = 0; i < definitions.Size(); ++i) {
    if (!definitions.IsNewest(i)) continue;
    result.push_back({variables[i].name, std::move(values[i]), variables[i].expand});
  }
  return result;
}

}  // namespace grange::text
