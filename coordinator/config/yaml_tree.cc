#include "coordinator/config/yaml_tree.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coordinator/config/limits.h"
#include "coordinator/config/source_text.h"

namespace grange::config {
namespace {

// Ends the parsing; caught in ParseYaml().
struct Refused {
  Place place;
  std::string message;
};

// The keys of a map while it is built: few are looked for one by one, many through a table.
class KeyIndex {
 public:
  // The index of `key` among `entries`, or entries.size() if it is new: it is then added there.
  size_t FindOrAdd(const std::vector<Entry>& entries, const std::string& key) {
    if (entries.size() < kLinearMax) {
      for (size_t i = 0; i < entries.size(); ++i) {
        if (entries[i].key == key) return i;
      }
      return entries.size();
    }
    for (; indexed_ < entries.size(); ++indexed_) {
      index_.try_emplace(entries[indexed_].key, indexed_);
    }
    const auto it = index_.find(key);
    return it == index_.end() ? entries.size() : it->second;
  }

 private:
  static constexpr size_t kLinearMax = 16;
  absl::flat_hash_map<std::string, size_t> index_;
  size_t indexed_ = 0;
};

// Builds our tree from the parser's events. The library's own tree is never made: it would cost
// more than all the rest, and forget where an alias stands.
class TreeBuilder : public YAML::EventHandler {
 public:
  // `text` is what the parser reads.
  TreeBuilder(const std::string* file, absl::string_view text, ValueArena& arena,
              std::vector<Diagnostic>& diagnostics)
      : file_(file), text_(text), arena_(arena), diagnostics_(diagnostics) {}

  const std::vector<const Value*>& documents() const { return documents_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    const Place place = At(mark);
    // At a character that can't start a value the parser stands still and reports one empty
    // document after the other, for ever.
    if (!documents_.empty() && place.line == document_place_.line &&
        place.column == document_place_.column) {
      throw Refused{place, "this is not YAML: nothing can start with the character here"};
    }
    document_place_ = place;
    open_.clear();
    anchors_.clear();
    documents_.push_back(nullptr);
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Value* value = arena_.Add(Value::Kind::kNull, PlaceOfNull(mark));
    Register(anchor, value, true);
    Take(value);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Anchor* target = anchor < anchors_.size() ? &anchors_[anchor] : nullptr;
    if (target == nullptr || target->value == nullptr) {
      throw Refused{At(mark), "the alias stands for an anchor that does not exist"};
    }
    if (!target->done) {
      throw Refused{At(mark), "the alias stands inside the value that it stands for"};
    }
    alias_place_ = At(mark);
    Take(target->value);
    alias_place_.reset();
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    Value* value = arena_.Add(Value::Kind::kScalar, At(mark));
    value->text = text;
    value->quoted = tag != "?";
    if (value->quoted) last_quoted_ = mark;
    CheckTag(tag, *value);
    Register(anchor, value, true);
    Take(value);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Value::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Value::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override {
    MergeInto(open_.back());
    Close();
  }

  Place document_place() const { return document_place_; }

  // The parser takes a quoted text that the file ends in for a whole one, if a newline is its last
  // character. All else in the file would silently be part of it.
  void CheckLastQuote() const {
    auto at = static_cast<size_t>(last_quoted_.pos);
    while (at < text_.size() && (text_[at] == '&' || text_[at] == '!')) {  // its anchor and tag
      at = text_.find_first_not_of(" \t\r\n", text_.find_first_of(" \t\r\n", at));
    }
    if (at >= text_.size() || (text_[at] != '"' && text_[at] != '\'')) return;
    const char quote = text_[at];
    for (++at; at < text_.size(); ++at) {
      if (quote == '"' && text_[at] == '\\') {
        ++at;
      } else if (text_[at] == quote) {
        if (quote == '"' || at + 1 == text_.size() || text_[at + 1] != quote) return;
        ++at;  // '' is one quote inside the text
      }
    }
    throw Refused{At(last_quoted_), "this is not YAML: the quote that opens here is never closed"};
  }

 private:
  struct Anchor {
    Value* value = nullptr;
    bool done = false;
  };

  // A list or map that is being read.
  struct Frame {
    Value* value;
    YAML::anchor_t anchor;
    bool has_key = false;
    bool key_merges = false;  // it is `<<`
    std::string key;
    Place key_place;
    KeyIndex index;
    std::vector<const Value*> merges;  // the values of `<<`
  };

  Place At(const YAML::Mark& mark) const {
    if (mark.is_null()) return {file_, 0, 0};
    return {file_, mark.line + 1, mark.column + 1};
  }

  // The parser puts a value that is left out where the next thing stands. We say where it is
  // missing: at the key, or at the dash of a list.
  Place PlaceOfNull(const YAML::Mark& mark) const {
    Place place = At(mark);
    if (mark.is_null() || open_.empty()) return place;
    auto at = static_cast<size_t>(mark.pos);
    if (at < text_.size() && absl::StrContains("~nN", text_[at])) return place;  // written out
    const Frame& frame = open_.back();
    if (frame.value->kind == Value::Kind::kMap) return frame.has_key ? frame.key_place : place;
    at = std::min(at, text_.size());
    while (at > 0 && absl::ascii_isspace(text_[at - 1])) {
      --at;
      if (text_[at] == '\n') --place.line;
    }
    if (at == 0 || text_[at - 1] != '-') return At(mark);
    const size_t line_end = text_.rfind('\n', at - 1);
    place.column = static_cast<int>(line_end == absl::string_view::npos ? at : at - 1 - line_end);
    return place;
  }

  void Problem(Diagnostic::Severity severity, Place place, std::string message) {
    Report(diagnostics_, severity, place.Span(), std::move(message));
  }

  // Of YAML's own tags, such as `!!str`, those that it defines; the values are text all the same.
  static bool IsYamlTag(absl::string_view tag) {
    static constexpr absl::string_view kNames[] = {"null",   "bool",      "int",   "float", "str",
                                                   "binary", "timestamp", "seq",   "map",   "omap",
                                                   "pairs",  "set",       "merge", "value", "yaml"};
    return absl::ConsumePrefix(&tag, "tag:yaml.org,2002:") &&
           std::find(std::begin(kNames), std::end(kNames), tag) != std::end(kNames);
  }

  void CheckTag(const std::string& tag, Value& value) {
    if (tag.empty() || tag == "?" || tag == "!" || IsYamlTag(tag)) return;
    if (tag != "!reference") {
      Problem(Diagnostic::Severity::kError, value.place,
              absl::StrCat("unknown tag '", tag, "'; remove it"));
    } else if (value.IsList()) {
      value.reference = true;
      arena_.NoteReference();
    } else {
      Problem(Diagnostic::Severity::kError, value.place,
              absl::StrCat("'!reference' takes a list such as [.setup, script], but this is ",
                           value.KindName()));
    }
  }

  void Register(YAML::anchor_t anchor, Value* value, bool done) {
    if (anchor == YAML::NullAnchor) return;
    if (anchors_.size() <= anchor) anchors_.resize(anchor + 1);
    anchors_[anchor] = {value, done};
  }

  void Open(Value::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    if (open_.size() >= static_cast<size_t>(kDepthMax)) {
      throw Refused{At(mark), absl::StrCat("lists and maps are nested more than ", kDepthMax,
                                           " deep; make it flatter")};
    }
    Value* value = arena_.Add(kind, At(mark));
    value->depth = 1;
    CheckTag(tag, *value);
    Register(anchor, value, false);
    Frame& frame = open_.emplace_back();
    frame.value = value;
    frame.anchor = anchor;
  }

  void Close() {
    const Frame frame = std::move(open_.back());
    open_.pop_back();
    Register(frame.anchor, frame.value, true);
    Take(frame.value);
  }

  // Gives a complete value to what is open around it.
  void Take(const Value* value) {
    if (open_.empty()) {
      documents_.back() = value;
      return;
    }
    Frame& frame = open_.back();
    // Counted also where it is a key or is merged: the whole of the file bounds what we do.
    frame.value->visits += value->visits;
    frame.value->depth = std::max(frame.value->depth, value->depth + 1);
    if (frame.value->visits > kVisitsMax) {
      throw Refused{alias_place_.value_or(value->place),
                    absl::StrCat("aliases repeat values until there are more than ", kVisitsMax,
                                 "; the limit protects against files made to exhaust memory")};
    }
    if (frame.value->kind == Value::Kind::kList) {
      frame.value->items.push_back(value);
    } else if (!frame.has_key) {
      TakeKey(frame, *value);
    } else if (frame.key_merges) {
      frame.has_key = false;
      frame.merges.push_back(value);
    } else {
      frame.has_key = false;
      AddEntry(frame, *value);
    }
  }

  void TakeKey(Frame& frame, const Value& key) {
    const Place place = alias_place_.value_or(key.place);
    if (!key.IsScalar()) {
      throw Refused{place, absl::StrCat("a key must be text, but this one is ", key.KindName(),
                                        "; put it in quotes")};
    }
    frame.has_key = true;
    frame.key = key.text;
    frame.key_place = place;
    frame.key_merges = key.text == "<<" && !key.quoted;
  }

  void AddEntry(Frame& frame, const Value& value) {
    std::vector<Entry>& entries = frame.value->entries;
    const size_t index = frame.index.FindOrAdd(entries, frame.key);
    if (index == entries.size()) {
      entries.push_back({std::move(frame.key), frame.key_place, &value});
      return;
    }
    Problem(Diagnostic::Severity::kWarning, frame.key_place,
            absl::StrCat("'", frame.key, "' is given twice; the one at ",
                         entries[index].key_place.Span().ToString(),
                         " has no effect; remove one of them"));
    entries[index].key_place = frame.key_place;
    entries[index].value = &value;
  }

  // Puts the entries of `<<` before the map's own, which win.
  void MergeInto(Frame& frame) {
    if (frame.merges.empty()) return;
    std::vector<const Value*> sources;  // the first one wins
    for (const Value* merge : frame.merges) {
      if (merge->IsList()) {
        sources.insert(sources.end(), merge->items.begin(), merge->items.end());
      } else {
        sources.push_back(merge);
      }
    }
    std::vector<Entry> result;
    KeyIndex index;
    for (const Value* source : sources) {
      if (!source->IsMap()) {
        Problem(
            Diagnostic::Severity::kError, source->place,
            absl::StrCat("'<<' takes a map or a list of maps, but this is ", source->KindName()));
        continue;
      }
      if (!arena_.CountMerged(static_cast<int64_t>(source->entries.size()))) {
        throw Refused{frame.value->place, absl::StrCat("'<<' repeats more than ", kVisitsMax,
                                                       " values; merge smaller maps")};
      }
      for (const Entry& entry : source->entries) {
        if (index.FindOrAdd(result, entry.key) == result.size()) result.push_back(entry);
      }
    }
    for (Entry& entry : frame.value->entries) {
      const size_t at = index.FindOrAdd(result, entry.key);
      if (at == result.size()) {
        result.push_back(std::move(entry));
      } else {
        result[at] = std::move(entry);
      }
    }
    frame.value->entries = std::move(result);
  }

  const std::string* file_;
  const absl::string_view text_;
  ValueArena& arena_;
  std::vector<Diagnostic>& diagnostics_;
  std::vector<const Value*> documents_;
  std::vector<Frame> open_;
  std::vector<Anchor> anchors_;  // by the parser's number
  std::optional<Place> alias_place_;
  Place document_place_;
  YAML::Mark last_quoted_;  // the text, or its anchor or tag
};

bool IsHeader(const Value* document) {
  return document != nullptr && document->IsMap() && document->Find("spec") != nullptr;
}

// The values of the documents that have one, in order: `---` or `...` alone makes no document.
std::vector<const Value*> FilledDocuments(const TreeBuilder& builder) {
  std::vector<const Value*> filled;
  for (const Value* document : builder.documents()) {
    if (document != nullptr && !document->IsNull()) filled.push_back(document);
  }
  return filled;
}

void CheckFurtherDocument(const TreeBuilder& builder) {
  const Value* now = builder.documents().back();
  if (now == nullptr || now->IsNull()) return;
  const std::vector<const Value*> filled = FilledDocuments(builder);
  const size_t filled_before = filled.size() - 1;
  if (filled_before == 0) {
    // An empty first document is one: what follows it is not the first.
    if (builder.documents().size() == 1) return;
  } else if (filled_before == 1 && IsHeader(filled[0])) {
    return;
  }
  throw Refused{builder.document_place(),
                filled_before < 2
                    ? "a second document starts here; only a header with 'spec' may stand before "
                      "'---'"
                    : "a third document starts here; a file has a header with 'spec' and one more "
                      "document at most, so remove this '---'"};
}

YamlDocuments Parse(absl::string_view text, const std::string* name, ValueArena& arena,
                    std::vector<Diagnostic>& diagnostics) {
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  TreeBuilder builder(name, text, arena, diagnostics);
  while (parser.HandleNextDocument(builder)) CheckFurtherDocument(builder);
  builder.CheckLastQuote();
  const std::vector<const Value*> filled = FilledDocuments(builder);
  YamlDocuments documents;
  const bool has_header =
      IsHeader(filled.empty() ? nullptr : filled[0]) && builder.documents().size() > 1;
  if (has_header) documents.header = filled[0];
  if (filled.size() > (has_header ? 1 : 0)) {
    documents.content = filled.back();
  } else {
    const bool written = !builder.documents().empty() && builder.documents().back() != nullptr;
    documents.content =
        written ? builder.documents().back() : arena.Add(Value::Kind::kNull, {name, 1, 1});
  }
  return documents;
}

// A frequent reason that the parser doesn't name.
absl::string_view TabHint(absl::string_view text, int line) {
  for (int i = 0; i < line; ++i) {
    const size_t end = text.find('\n');
    if (end == absl::string_view::npos) return "";
    text.remove_prefix(end + 1);
  }
  const size_t indent = text.find_first_not_of(" \t");
  return absl::StrContains(text.substr(0, indent), '\t')
             ? "; the line is indented with a tab, but YAML takes spaces only"
             : "";
}

// The name of the alias that begins at the mark; "" if there is none.
absl::string_view AliasAt(absl::string_view text, const YAML::Mark& mark) {
  if (mark.pos < 0 || static_cast<size_t>(mark.pos) >= text.size()) return "";
  absl::string_view rest = text.substr(static_cast<size_t>(mark.pos));
  if (!absl::ConsumePrefix(&rest, "*")) return "";
  return rest.substr(0, rest.find_first_of(" \t\r\n,[]{}"));
}

}  // namespace

std::optional<YamlDocuments> ParseYamlDocuments(const SourceFile& file, ValueArena& arena,
                                                std::vector<Diagnostic>& diagnostics) {
  if (std::optional<Diagnostic> refused = CheckText(file); refused.has_value()) {
    diagnostics.push_back(*std::move(refused));
    return std::nullopt;
  }
  const std::string* name = arena.AddFile(file.name);
  try {
    return Parse(WithoutByteOrderMark(file.text), name, arena, diagnostics);
  } catch (const Refused& refused) {
    diagnostics.push_back({refused.place.Span(), Diagnostic::Severity::kError, refused.message});
  } catch (const YAML::Exception& e) {  // it counts lines and columns from 0
    SourceSpan place{file.name, 0, 0};
    absl::string_view hint, alias;
    if (!e.mark.is_null()) {
      place = {file.name, e.mark.line + 1, e.mark.column + 1};
      hint = TabHint(file.text, e.mark.line);
      if (hint.empty()) alias = AliasAt(file.text, e.mark);
    }
    diagnostics.push_back(
        {place, Diagnostic::Severity::kError,
         alias.empty()
             ? absl::StrCat("this is not YAML: ", e.msg, hint)
             : absl::StrCat("there is no anchor '&", alias,
                            "' above in this file; anchors are known in ", "their own file only")});
  }
  return std::nullopt;
}

const Value* ParseYaml(const SourceFile& file, ValueArena& arena,
                       std::vector<Diagnostic>& diagnostics) {
  const std::optional<YamlDocuments> documents = ParseYamlDocuments(file, arena, diagnostics);
  if (!documents.has_value()) return nullptr;
  if (documents->header == nullptr) return documents->content;
  diagnostics.push_back({documents->header->Find("spec")->key_place.Span(),
                         Diagnostic::Severity::kError, "a header with 'spec' can't stand here"});
  return nullptr;
}

}  // namespace grange::config
