#include "coordinator/pipeline/parse_context.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/text/duration_text.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/written.h"

namespace grange::pipeline {
namespace {

// An empty list or map asks for nothing; it often switches a default off.
bool AsksForSomething(const config::Value& value) {
  return value.IsScalar() || !value.items.empty() || !value.entries.empty();
}

// The parts of a keyword that is not acted on need no word of their own.
bool IsPartOfTheSame(const Keyword& keyword, absl::string_view owner_keyword) {
  const Section section = keyword.section;
  if (section == Section::kAutoCancel) return true;
  if (section == Section::kGlobal || section == Section::kDefault || section == Section::kJob) {
    return false;
  }
  const Keyword* owner = FindKeyword(Section::kJob, owner_keyword);
  return owner != nullptr && owner->support == keyword.support;
}

std::string AboutJob(const JobDraft* job, const std::string& message) {
  if (job == nullptr || job->name.empty()) return message;
  return absl::StrCat("job '", job->name, "': ", message);
}

}  // namespace

void ParseContext::Error(const config::Place& place, const std::string& message) {
  if (job != nullptr) job->broken = true;
  problems.Error(place, AboutJob(job, message));
}

void ParseContext::Warning(const config::Place& place, const std::string& message) {
  problems.Warning(place, AboutJob(job, message));
}

void ParseContext::WrongType(const config::Value& value, absl::string_view keyword,
                             absl::string_view wanted) {
  Error(value.place,
        absl::StrCat("'", keyword, "' takes ", wanted, ", but this is ", value.KindName()));
}

const Keyword* ParseContext::CheckKey(const config::Entry& entry, Section section,
                                      absl::string_view owner) {
  const Keyword* keyword = FindKeyword(section, entry.key);
  if (owner.empty()) owner = SectionOwner(section);
  if (keyword == nullptr || keyword->support == Support::kReserved) {
    std::string message = absl::StrCat("unknown keyword '", entry.key, "'");
    if (!owner.empty()) absl::StrAppend(&message, " in '", owner, "'");
    if (problems.WantsSuggestion()) {
      message += problems.DidYouMean(entry.key, KeywordNames(section));
    }
    Error(entry.key_place, message);
    return nullptr;
  }
  const std::string name = absl::StrCat(owner, owner.empty() ? "" : ":", entry.key);
  switch (keyword->support) {
    case Support::kRefused:
      Error(entry.key_place, absl::StrCat("'", name, "' does not exist here; ", keyword->note));
      return nullptr;
    case Support::kLater:
    case Support::kInert:
      if (AsksForSomething(*entry.value) && !IsPartOfTheSame(*keyword, owner_keyword)) {
        NoteUse(*keyword, entry.key_place, owner);
      }
      return keyword;
    case Support::kYes:
    case Support::kDifferent:
    case Support::kReserved:
      return keyword;
  }
  return keyword;
}

void ParseContext::NoteUse(const Keyword& used, const config::Place& place,
                           absl::string_view owner) {
  KeywordUse use{absl::StrCat(owner, owner.empty() ? "" : ":", used.name), owner_keyword, place};
  if (used.support == Support::kLater) {
    std::vector<KeywordUse>& later = job == nullptr ? file.later : job->later;
    later.push_back(use);
  }
  uses.push_back({std::move(use), &used});
}

bool ParseContext::CheckKeys(const config::Value& map, Section section, absl::string_view owner) {
  bool ok = true;
  for (const config::Entry& entry : map.entries) {
    if (CheckKey(entry, section, owner) == nullptr) ok = false;
  }
  return ok;
}

std::optional<std::string> ParseContext::Text(const config::Value& value,
                                              absl::string_view keyword) {
  if (value.IsScalar()) return value.text;
  WrongType(value, keyword, "text");
  return std::nullopt;
}

std::optional<bool> ParseContext::Bool(const config::Value& value, absl::string_view keyword) {
  if (const std::optional<bool> boolean = value.AsBool(); boolean.has_value()) return boolean;
  WrongType(value, keyword, "true or false");
  return std::nullopt;
}

std::optional<int> ParseContext::Integer(const config::Value& value, absl::string_view keyword) {
  const std::optional<int64_t> number = value.AsInteger();
  if (number.has_value() && *number >= std::numeric_limits<int>::min() &&
      *number <= std::numeric_limits<int>::max()) {
    return static_cast<int>(*number);
  }
  WrongType(value, keyword, "a whole number");
  return std::nullopt;
}

std::optional<absl::Duration> ParseContext::Duration(const config::Value& value,
                                                     absl::string_view keyword) {
  if (!value.IsScalar()) {
    WrongType(value, keyword, "a duration such as '1h 30m'");
    return std::nullopt;
  }
  const absl::StatusOr<absl::Duration> duration = text::ParseDuration(value.text);
  if (duration.ok()) return *duration;
  Error(value.place, absl::StrCat("'", keyword, "': ", duration.status().message()));
  return std::nullopt;
}

std::optional<std::vector<Named>> ParseContext::Names(const config::Value& value,
                                                      absl::string_view keyword) {
  std::vector<const config::Value*> values;
  if (!value.IsList()) {
    WrongType(value, keyword, "a list of texts");
    return std::nullopt;
  }
  if (!Flatten(value, keyword, values)) return std::nullopt;
  std::vector<Named> names;
  for (const config::Value* item : values) {
    if (!item->IsScalar() || item->text.empty()) {
      Error(item->place, absl::StrCat("'", keyword, "' takes a list of texts, but this entry is ",
                                      item->IsScalar() ? "empty" : item->KindName()));
      return std::nullopt;
    }
    names.push_back({item->text, item->place});
  }
  return names;
}

std::optional<std::vector<std::string>> ParseContext::Texts(const config::Value& value,
                                                            absl::string_view keyword) {
  std::optional<std::vector<Named>> names = Names(value, keyword);
  if (!names.has_value()) return std::nullopt;
  std::vector<std::string> texts;
  texts.reserve(names->size());
  for (Named& name : *names) texts.push_back(std::move(name.name));
  return texts;
}

std::optional<std::vector<int>> ParseContext::ExitCodes(const config::Value& value,
                                                        absl::string_view keyword) {
  std::vector<const config::Value*> values = {&value};
  if (value.IsList()) values = value.items;
  std::vector<int> codes;
  for (const config::Value* item : values) {
    const std::optional<int> code = Integer(*item, keyword);
    if (!code.has_value()) return std::nullopt;
    if (std::find(codes.begin(), codes.end(), *code) != codes.end()) {
      Error(item->place, absl::StrCat("'", keyword, "' has ", *code, " twice"));
      return std::nullopt;
    }
    codes.push_back(*code);
  }
  if (codes.empty()) {
    Error(value.place, absl::StrCat("'", keyword, "' needs at least one exit code"));
    return std::nullopt;
  }
  return codes;
}

std::optional<std::string> ParseContext::PlainText(const config::Value& value,
                                                   absl::string_view keyword) {
  if (!value.IsText()) {
    WrongType(value, keyword, "text");
    return std::nullopt;
  }
  if (!value.text.empty()) return value.text;
  Error(value.place, absl::StrCat("'", keyword, "' is empty; give it a text, or remove it"));
  return std::nullopt;
}

std::optional<std::vector<std::string>> ParseContext::PlainTexts(const config::Value& value,
                                                                 absl::string_view keyword) {
  std::vector<const config::Value*> values = {&value};
  if (value.IsList()) {
    values.clear();
    if (!Flatten(value, keyword, values)) return std::nullopt;
  } else if (!value.IsScalar()) {
    WrongType(value, keyword, "a text or a list of texts");
    return std::nullopt;
  }
  if (values.empty()) {
    Error(value.place, absl::StrCat("'", keyword, "' is empty; give it a text, or remove it"));
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const config::Value* item : values) {
    std::optional<std::string> text = PlainText(*item, keyword);
    if (!text.has_value()) return std::nullopt;
    texts.push_back(*std::move(text));
  }
  return texts;
}

std::optional<std::string> ParseContext::Word(const config::Value& value, absl::string_view keyword,
                                              std::initializer_list<absl::string_view> words) {
  const std::string wanted = absl::StrJoin(words, ", ");
  if (!value.IsScalar()) {
    WrongType(value, keyword, wanted);
    return std::nullopt;
  }
  if (std::find(words.begin(), words.end(), value.text) != words.end()) return value.text;
  Error(value.place, absl::StrCat("'", keyword, "' takes ", wanted, ", not '", value.text, "'",
                                  problems.DidYouMean(value.text, {words.begin(), words.end()})));
  return std::nullopt;
}

std::optional<Written> ParseContext::AsWritten(const config::Value& value,
                                               absl::string_view keyword) {
  if (value.visits > kWrittenValuesMax) {
    Error(value.place, absl::StrCat("'", keyword, "' has more than ", kWrittenValuesMax,
                                    " values; make it smaller"));
    return std::nullopt;
  }
  if (TextBytes(value) > kWrittenBytesMax) {
    Error(value.place, absl::StrCat("'", keyword, "' has more than ", kWrittenBytesMax,
                                    " bytes; make it smaller"));
    return std::nullopt;
  }
  return ToWritten(value);
}

std::shared_ptr<const Expression> ParseContext::Condition(const config::Value& value,
                                                          absl::string_view keyword) {
  if (!value.IsScalar()) {
    WrongType(value, keyword, "an expression such as $CI_COMMIT_TAG");
    return nullptr;
  }
  const absl::StatusOr<std::shared_ptr<const Expression>> expression =
      expressions.Get(value.text, patterns);
  if (expression.ok()) return *expression;
  Error(value.place, absl::StrCat("'", keyword, "': expression `", value.text,
                                  "`: ", expression.status().message()));
  return nullptr;
}

bool ParseContext::Flatten(const config::Value& list, absl::string_view keyword,
                           std::vector<const config::Value*>& values) {
  struct Level {
    const config::Value* list;
    size_t next;
  };
  std::vector<Level> open = {{&list, 0}};
  while (!open.empty()) {
    Level& level = open.back();
    if (level.next == level.list->items.size()) {
      open.pop_back();
      continue;
    }
    const config::Value* item = level.list->items[level.next++];
    if (!item->IsList()) {
      values.push_back(item);
      continue;
    }
    if (open.size() >= static_cast<size_t>(kListDepthMax)) {
      Error(item->place,
            absl::StrCat("lists in '", keyword, "' are nested more than ", kListDepthMax, " deep"));
      return false;
    }
    open.push_back({item, 0});
  }
  return true;
}

}  // namespace grange::pipeline
