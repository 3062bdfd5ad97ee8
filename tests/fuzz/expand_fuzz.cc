// Variables, a line NAME=VALUE each (`!` before the name: its `$` are text, `?`: it is masked), up
// to an empty line, and then a text in which they are replaced: in each of the ways that there are.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "common/base/check.h"
#include "common/text/expand.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/scope.h"
#include "tests/fuzz/byte_reader.h"

namespace {

using grange::text::Expand;
using grange::text::ExpandAll;
using grange::text::NamedValue;
using grange::text::Unknown;

constexpr size_t kBytesMax = 10'000;
constexpr absl::string_view kMaskedValue = "\x01masked\x01";

std::optional<std::string> Nothing(absl::string_view) { return std::nullopt; }

void CheckExpand(const std::vector<NamedValue>& variables, const std::string& text) {
  const auto look_up = [&](absl::string_view name) -> std::optional<std::string> {
    for (const NamedValue& variable : variables) {
      if (variable.name == name) return variable.value;
    }
    return std::nullopt;
  };
  const std::string expanded = Expand(text, look_up, Unknown::kKeep);
  const auto dollars = static_cast<size_t>(std::count(text.begin(), text.end(), '$'));
  size_t longest = 0;
  for (const NamedValue& variable : variables) longest = std::max(longest, variable.value.size());
  GRANGE_CHECK(expanded.size() <= text.size() + dollars * longest);
  if (dollars == 0) GRANGE_CHECK(expanded == text);
  if (!absl::StrContains(text, "$$")) {
    GRANGE_CHECK(Expand(text, Nothing, Unknown::kKeep) == text);
  }
  GRANGE_CHECK(Expand(text, Nothing, Unknown::kEmpty).size() <= text.size());
  GRANGE_CHECK(Expand(absl::StrReplaceAll(text, {{"$", "$$"}}), look_up, Unknown::kKeep) == text);
}

const NamedValue* LastOf(const std::vector<NamedValue>& variables, absl::string_view name) {
  for (auto it = variables.rbegin(); it != variables.rend(); ++it) {
    if (it->name == name) return &*it;
  }
  return nullptr;
}

void CheckExpandAll(std::vector<NamedValue> variables) {
  const absl::StatusOr<std::vector<NamedValue>> all = ExpandAll(variables, kBytesMax);
  if (!all.ok()) {
    GRANGE_CHECK(absl::IsInvalidArgument(all.status()) || absl::IsResourceExhausted(all.status()));
    GRANGE_CHECK(!all.status().message().empty());
    return;
  }
  size_t bytes = 0;
  for (const NamedValue& result : *all) {
    bytes += result.value.size();
    GRANGE_CHECK(LastOf(*all, result.name) == &result);  // each name once
    const NamedValue* const given = LastOf(variables, result.name);
    GRANGE_CHECK(given != nullptr && given->expand == result.expand);
    if (!given->expand || !absl::StrContains(given->value, '$')) {
      GRANGE_CHECK(result.value == given->value);
    }
  }
  GRANGE_CHECK(bytes <= kBytesMax);
  for (const NamedValue& given : variables) GRANGE_CHECK(LastOf(*all, given.name) != nullptr);
  if (all->size() != variables.size()) return;
  // Of names that are all different, the order means nothing.
  std::reverse(variables.begin(), variables.end());
  const absl::StatusOr<std::vector<NamedValue>> reversed = ExpandAll(variables, kBytesMax);
  GRANGE_CHECK(reversed.ok());
  for (const NamedValue& result : *all) {
    GRANGE_CHECK(LastOf(*reversed, result.name)->value == result.value);
  }
}

void CheckScope(const grange::pipeline::VariableLayer& layer, const std::string& text) {
  using grange::pipeline::kExpandedBytesMax;
  const grange::pipeline::Scope scope({nullptr, &layer});
  const std::string expanded = scope.Expand(text);
  GRANGE_CHECK(expanded.size() <= text.size() + kExpandedBytesMax);
  GRANGE_CHECK(expanded == scope.Expand(text));
  if (!absl::StrContains(text, '$')) {
    GRANGE_CHECK(expanded == text);
    GRANGE_CHECK(scope.ExpandOnce(text) == text);
  }
  const std::optional<std::string> name = scope.ExpandName(text);
  GRANGE_CHECK(!name.has_value() || name->size() <= grange::pipeline::kExpandedNameMax);
  GRANGE_CHECK(!absl::StrContains(scope.Shown().Expand(text), kMaskedValue));
  GRANGE_CHECK(!absl::StrContains(scope.Shown().ExpandOnce(text), kMaskedValue));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  grange::fuzz::ByteReader input(data, size);
  std::vector<NamedValue> variables;
  grange::pipeline::VariableLayer layer;
  for (std::string line = input.Line(); !line.empty(); line = input.Line()) {
    const bool raw = line[0] == '!';
    const bool masked = line[0] == '?';
    if (raw || masked) line.erase(0, 1);
    const size_t equals = std::min(line.find('='), line.size());
    NamedValue variable{.name = line.substr(0, equals),
                        .value = line.substr(std::min(equals + 1, line.size())),
                        .expand = !raw};
    // No value, nor the text, may have that one by itself.
    std::erase(variable.value, '\x01');
    layer[variable.name] = {.value = masked ? std::string(kMaskedValue) : variable.value,
                            .expand = variable.expand,
                            .masked = masked};
    variables.push_back(std::move(variable));
  }
  std::string text = input.Rest();
  std::erase(text, '\x01');
  CheckExpand(variables, text);
  CheckExpandAll(variables);
  CheckScope(layer, text);
  return 0;
}
