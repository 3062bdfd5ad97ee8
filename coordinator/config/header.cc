#include "coordinator/config/header.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/text/edit_distance.h"
#include "coordinator/config/json_text.h"
#include "coordinator/config/limits.h"

namespace grange::config {
namespace {

constexpr size_t kShownValueMax = 100;  // bytes of a value in a message

struct TypeWords {
  InputType type;
  absl::string_view name;
  absl::string_view value;  // for messages: "must be …"
};

constexpr std::array<TypeWords, 4> kTypes = {{
    {InputType::kString, "string", "text"},
    {InputType::kNumber, "number", "a number"},
    {InputType::kBoolean, "boolean", "a boolean"},
    {InputType::kArray, "array", "a list"},
}};

const std::vector<std::string>& ComponentWords() {
  static const auto& words = *new std::vector<std::string>{"name", "sha", "version", "reference"};
  return words;
}

bool IsOfType(const Value& value, InputType type) {
  switch (type) {
    case InputType::kString:
      return value.IsText();
    case InputType::kNumber:
      return value.IsNumber();
    case InputType::kBoolean:
      return value.AsBool().has_value();
    case InputType::kArray:
      return value.IsList() && !value.reference;
  }
  return false;
}

bool IsSame(const Value& a, const Value& b) {
  return a.IsScalar() && b.IsScalar() && a.IsText() == b.IsText() && a.text == b.text;
}

std::string Shown(const Value& value) {
  return ToJson(value, kShownValueMax).value_or(std::string(value.KindName()));
}

size_t Characters(absl::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; });
}

class Reader {
 public:
  explicit Reader(std::vector<Diagnostic>& diagnostics) : diagnostics_(diagnostics) {}

  bool ok() const { return ok_; }

  void ReadDocument(const Value& document, FileHeader& header) {
    for (const Entry& entry : document.entries) {
      if (entry.key == "spec") {
        header.place = entry.key_place;
        ReadSpec(entry, header);
      } else {
        Error(entry.key_place,
              absl::StrCat("'", entry.key, "' can't stand in the header, which has 'spec' only; ",
                           "put it after the '---'"));
      }
    }
  }

  void ReadInputMap(const Entry& inputs, std::vector<InputDeclaration>& declarations) {
    if (inputs.value->IsNull()) return;
    if (!inputs.value->IsMap()) {
      return Error(inputs.value->place,
                   absl::StrCat("'", inputs.key, "' takes a map from names to inputs, but this is ",
                                inputs.value->KindName()));
    }
    for (const Entry& entry : inputs.value->entries) {
      InputDeclaration input = ReadInput(entry);
      const auto same = [&](const InputDeclaration& other) { return other.name == input.name; };
      const auto at = std::find_if(declarations.begin(), declarations.end(), same);
      if (at == declarations.end()) {
        declarations.push_back(std::move(input));
      } else {
        *at = std::move(input);
      }
    }
  }

 private:
  void ReadSpec(const Entry& spec, FileHeader& header) {
    if (spec.value->IsNull()) return;
    if (!spec.value->IsMap()) {
      return Error(spec.value->place,
                   absl::StrCat("'spec' takes a map, but this is ", spec.value->KindName()));
    }
    for (const Entry& entry : spec.value->entries) {
      if (entry.key == "inputs") {
        ReadInputMap(entry, header.inputs);
      } else if (entry.key == "include") {
        header.include = &entry;
      } else if (entry.key == "component") {
        ReadComponent(*entry.value, header);
      } else if (entry.key == "description") {
        CheckDescription(*entry.value);
      } else {
        Unknown(entry, "spec", {"inputs", "include", "component", "description"});
      }
    }
  }

  void ReadComponent(const Value& list, FileHeader& header) {
    if (!list.IsList()) {
      return Error(list.place,
                   absl::StrCat("'spec:component' takes a list of 'name', 'sha', ",
                                "'version' and 'reference', but this is ", list.KindName()));
    }
    for (const Value* item : list.items) {
      const std::vector<std::string>& words = ComponentWords();
      if (std::find(words.begin(), words.end(), item->text) == words.end()) {
        Error(item->place,
              absl::StrCat("'spec:component' has 'name', 'sha', 'version' and ",
                           "'reference', not ", Shown(*item), text::DidYouMean(item->text, words)));
      } else {
        header.component_words.push_back(item->text);
      }
    }
  }

  void CheckDescription(const Value& value) {
    if (!value.IsScalar()) {
      Error(value.place,
            absl::StrCat("'spec:description' takes a text, but this is ", value.KindName()));
    } else if (const size_t length = Characters(value.text); length > kSpecDescriptionMax) {
      Error(value.place, absl::StrCat("'spec:description' has ", length,
                                      " characters; the limit is ", kSpecDescriptionMax));
    }
  }

  InputDeclaration ReadInput(const Entry& entry) {
    InputDeclaration input;
    input.name = entry.key;
    input.place = entry.key_place;
    name_ = entry.key;
    if (entry.value->IsNull()) return input;
    if (!entry.value->IsMap()) {
      Error(entry.value->place,
            absl::StrCat("input '", name_, "' takes a map such as {default: ",
                         "x}, or nothing, but this is ", entry.value->KindName()));
      return input;
    }
    const Entry* regex = nullptr;
    const Entry* rules = nullptr;
    for (const Entry& key : entry.value->entries) {
      if (key.key == "type") {
        ReadType(*key.value, input);
      } else if (key.key == "default") {
        input.default_value = key.value;
      } else if (key.key == "options") {
        input.options = key.value;
      } else if (key.key == "regex") {
        regex = &key;
      } else if (key.key == "rules") {
        rules = &key;
      } else if (key.key == "description") {
        if (!key.value->IsScalar()) WrongType(*key.value, "description", "a text");
      } else {
        Unknown(key, "spec:inputs",
                {"default", "description", "options", "regex", "rules", "type"});
      }
    }
    if (regex != nullptr) ReadRegex(*regex, input);
    CheckOptions(input.options, input);
    if (rules != nullptr) ReadRules(*rules, input);
    CheckDefault(input.default_value, input.options, input);
    return input;
  }

  void ReadType(const Value& value, InputDeclaration& input) {
    std::vector<std::string> names;
    for (const TypeWords& words : kTypes) {
      if (value.IsScalar() && value.text == words.name) {
        input.type = words.type;
        return;
      }
      names.emplace_back(words.name);
    }
    Error(value.place, absl::StrCat("input '", name_, "': 'type' is ", absl::StrJoin(names, ", "),
                                    ", not ", Shown(value), text::DidYouMean(value.text, names)));
  }

  void ReadRegex(const Entry& entry, InputDeclaration& input) {
    if (!entry.value->IsScalar()) return WrongType(*entry.value, "regex", "a regular expression");
    if (input.type != InputType::kString) {
      return Error(entry.key_place, absl::StrCat("input '", name_, "': 'regex' is for inputs of ",
                                                 "type string; remove one of the two"));
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kRegexMemoryMax);
    auto regex = std::make_shared<const re2::RE2>(entry.value->text, options);
    if (!regex->ok()) {
      return Error(entry.value->place, absl::StrCat("input '", name_, "': 'regex' is no regular ",
                                                    "expression (RE2): ", regex->error()));
    }
    input.regex = std::move(regex);
  }

  void CheckOptions(const Value* options, const InputDeclaration& input) {
    if (options == nullptr) return;
    if (!options->IsList() || options->items.empty()) {
      return WrongType(*options, "options", "a list of values");
    }
    if (options->items.size() > kInputOptionsMax) {
      return Error(options->place, absl::StrCat("input '", name_, "' has ", options->items.size(),
                                                " options; the limit is ", kInputOptionsMax));
    }
    if (input.type != InputType::kString && input.type != InputType::kNumber) {
      return Error(options->place, absl::StrCat("input '", name_, "': 'options' are for inputs of ",
                                                "type string or number; remove them"));
    }
    for (const Value* option : options->items) {
      if (IsOfType(*option, input.type)) continue;
      Error(option->place,
            absl::StrCat("input '", name_, "': an option must be ", WordsOf(input.type).value,
                         ", but this is ", option->KindName(), QuotesHint(*option, input.type)));
    }
  }

  void CheckDefault(const Value* value, const Value* options, const InputDeclaration& input) {
    if (value == nullptr) return;
    const std::string why = WhyNoValue(input, options, *value);
    if (!why.empty()) {
      Error(value->place, absl::StrCat("the default of input '", name_, "' ", why));
    }
  }

  void ReadRules(const Entry& rules, InputDeclaration& input) {
    if (input.default_value != nullptr || input.options != nullptr) {
      Error(rules.key_place, absl::StrCat("input '", name_, "': 'rules' can't stand beside ",
                                          "'default' or 'options'; put these in the rules"));
    }
    if (!rules.value->IsList() || rules.value->items.empty()) {
      return WrongType(*rules.value, "rules", "a list of maps with 'if', 'options' and 'default'");
    }
    for (const Value* item : rules.value->items) {
      if (!item->IsMap()) {
        WrongType(*item, "rules", "maps with 'if', 'options' and 'default'");
        continue;
      }
      ReadRule(*item, item == rules.value->items.back(), input);
    }
  }

  void ReadRule(const Value& map, bool last, InputDeclaration& input) {
    InputRule rule;
    rule.place = map.place;
    for (const Entry& key : map.entries) {
      if (key.key == "if") {
        if (!key.value->IsScalar()) WrongType(*key.value, "rules:if", "an expression");
        rule.condition = key.value;
      } else if (key.key == "options") {
        rule.options = key.value;
        CheckOptions(key.value, input);
      } else if (key.key == "default") {
        rule.default_value = key.value;
      } else {
        Unknown(key, "spec:inputs:rules", {"if", "options", "default"});
      }
    }
    if (rule.default_value == nullptr) {
      Error(map.place, absl::StrCat("input '", name_, "': each rule needs a 'default'"));
    }
    if (rule.condition == nullptr && !last) {
      Error(map.place, absl::StrCat("input '", name_, "': a rule without 'if' always holds, so ",
                                    "it must be the last one"));
    }
    CheckDefault(rule.default_value, rule.options, input);
    input.rules.push_back(rule);
  }

  static const TypeWords& WordsOf(InputType type) { return kTypes[static_cast<size_t>(type)]; }

  static absl::string_view QuotesHint(const Value& value, InputType type) {
    return type == InputType::kString && value.IsScalar() ? "; put it in quotes" : "";
  }

  void WrongType(const Value& value, absl::string_view keyword, absl::string_view wanted) {
    Error(value.place, absl::StrCat("input '", name_, "': '", keyword, "' takes ", wanted,
                                    ", but this is ", value.KindName()));
  }

  void Unknown(const Entry& entry, absl::string_view owner, std::vector<std::string> known) {
    Error(entry.key_place, absl::StrCat("unknown keyword '", entry.key, "' in '", owner, "'",
                                        text::DidYouMean(entry.key, known)));
  }

  void Error(Place place, std::string message) {
    ok_ = false;
    Report(diagnostics_, Diagnostic::Severity::kError, place.Span(), std::move(message));
  }

  std::vector<Diagnostic>& diagnostics_;
  std::string name_;  // of the input that is being read
  bool ok_ = true;
};

}  // namespace

absl::string_view InputTypeName(InputType type) { return kTypes[static_cast<size_t>(type)].name; }

bool ReadHeader(const Value& document, FileHeader& header, std::vector<Diagnostic>& diagnostics) {
  Reader reader(diagnostics);
  reader.ReadDocument(document, header);
  return reader.ok();
}

bool ReadInputs(const Entry& inputs, std::vector<InputDeclaration>& declarations,
                std::vector<Diagnostic>& diagnostics) {
  Reader reader(diagnostics);
  reader.ReadInputMap(inputs, declarations);
  return reader.ok();
}

std::string WhyNoValue(const InputDeclaration& input, const Value* options, const Value& value) {
  if (!IsOfType(value, input.type)) {
    const absl::string_view wanted = kTypes[static_cast<size_t>(input.type)].value;
    const bool quotes = input.type == InputType::kString && value.IsScalar();
    return absl::StrCat("must be ", wanted, ", but it is ", value.KindName(),
                        quotes ? "; put it in quotes" : "");
  }
  if (options != nullptr && options->IsList()) {
    std::vector<std::string> names;
    for (const Value* option : options->items) {
      if (IsSame(*option, value)) return "";
      names.push_back(option->text);
    }
    return absl::StrCat("is ", Shown(value), ", which is none of its options ",
                        absl::StrJoin(names, ", "), text::DidYouMean(value.text, names));
  }
  if (input.regex != nullptr && !re2::RE2::PartialMatch(value.text, *input.regex)) {
    return absl::StrCat("is ", Shown(value), ", which does not match its regex '",
                        input.regex->pattern(), "'");
  }
  return "";
}

}  // namespace grange::config
