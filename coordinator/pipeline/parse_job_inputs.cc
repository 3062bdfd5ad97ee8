#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"
#include "coordinator/pipeline/limits.h"

// `inputs` of a job, which a person may change when starting it by hand.
namespace grange::pipeline {
namespace {

bool HasType(const config::Value& value, const std::string& type) {
  if (type == "array") return value.IsList();
  if (type == "boolean") return value.AsBool().has_value();
  if (type == "number") return value.IsScalar() && !value.IsText() && !value.AsBool().has_value();
  return value.IsText();
}

bool IsInputName(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

// What one input says; nothing where it says nothing, or where that was reported.
class InputReader {
 public:
  InputReader(ParseContext& context, const config::Entry& entry)
      : context_(context),
        map_(*entry.value),
        place_(entry.key_place),
        about_(absl::StrCat("input '", entry.key, "'")) {
    input_.name = entry.key;
  }

  JobInput Read() {
    if (!ReadType()) return input_;
    if (const config::Value* text = Find("description")) {
      input_.description = context_.Text(*text, "inputs:description").value_or("");
    }
    const config::Value* value = Find("default");
    if (value == nullptr) {
      Error(place_, " needs a 'default': a job starts without a question");
      return input_;
    }
    if (!HasType(*value, input_.type)) {
      Error(value->place,
            absl::StrCat(" is of type ", input_.type, ", but its default is ", value->KindName()));
      return input_;
    }
    input_.default_value = context_.AsWritten(*value, "inputs:default").value_or(Written());
    CheckOptions(*value);
    CheckRegex(*value);
    return input_;
  }

 private:
  // nullptr where it is not written.
  const config::Value* Find(absl::string_view name) const {
    const config::Entry* entry = map_.Find(name);
    return entry == nullptr || entry->value->IsNull() ? nullptr : entry->value;
  }

  void Error(const config::Place& place, const std::string& what) {
    context_.Error(place, about_ + what);
  }

  bool ReadType() {
    const config::Value* type = Find("type");
    if (type == nullptr) return true;
    std::optional<std::string> word =
        context_.Word(*type, "inputs:type", {"string", "number", "boolean", "array"});
    if (word.has_value()) input_.type = *std::move(word);
    return word.has_value();
  }

  void CheckOptions(const config::Value& value) {
    const config::Value* options = Find("options");
    if (options == nullptr) return;
    if (input_.type != "string" && input_.type != "number") {
      return Error(options->place, " can have 'options' only as a string or a number");
    }
    if (!options->IsList() || options->items.empty()) {
      return context_.WrongType(*options, "inputs:options", "a list of values");
    }
    if (options->items.size() > kInputOptionsMax) {
      return Error(options->place, absl::StrCat(" has ", options->items.size(),
                                                " options; the limit is ", kInputOptionsMax));
    }
    bool has_default = false;
    for (const config::Value* option : options->items) {
      if (!HasType(*option, input_.type)) {
        return Error(option->place, absl::StrCat(" is of type ", input_.type,
                                                 ", but this option is ", option->KindName()));
      }
      has_default = has_default || option->text == value.text;
    }
    if (!has_default) {
      return Error(value.place,
                   absl::StrCat(" has the default '", value.text, "', which is not an option"));
    }
    input_.options = context_.AsWritten(*options, "inputs:options").value_or(Written());
  }

  void CheckRegex(const config::Value& value) {
    const config::Value* regex = Find("regex");
    if (regex == nullptr) return;
    const std::optional<std::string> text = context_.PlainText(*regex, "inputs:regex");
    if (!text.has_value()) return;
    if (input_.type != "string") return Error(regex->place, " can have a 'regex' only as a string");
    // It is written without slashes.
    const absl::StatusOr<std::shared_ptr<const Pattern>> pattern =
        context_.patterns.Get(absl::StrCat("/", *text, "/"));
    if (!pattern.ok()) {
      return Error(regex->place, absl::StrCat(": its 'regex': ", pattern.status().message()));
    }
    if (!(*pattern)->Matches(value.text)) {
      return Error(value.place, absl::StrCat(" has the default '", value.text,
                                             "', which doesn't match its 'regex'"));
    }
    input_.regex = *text;
  }

  ParseContext& context_;
  const config::Value& map_;
  const config::Place place_;
  const std::string about_;
  JobInput input_;
};

}  // namespace

void ParseJobInputs(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  if (!entry.value->IsMap()) {
    return context.WrongType(*entry.value, "inputs", "a map from names to {default: …}");
  }
  std::vector<JobInput> inputs;
  for (const config::Entry& input : entry.value->entries) {
    if (!IsInputName(input.key)) {
      context.Error(input.key_place, absl::StrCat("'", input.key, "' can't name an input; take ",
                                                  "letters, digits, '_' and '-'"));
    } else if (!input.value->IsNull() && !input.value->IsMap()) {
      context.WrongType(*input.value, absl::StrCat("inputs:", input.key),
                        "a map such as {default: 1}");
    } else if (context.CheckKeys(*input.value, Section::kJobInput)) {
      inputs.push_back(InputReader(context, input).Read());
    }
  }
  context.job->inputs = std::move(inputs);
}

}  // namespace grange::pipeline
