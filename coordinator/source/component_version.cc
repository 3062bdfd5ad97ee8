#include "coordinator/source/component_version.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace grange::source {
namespace {

constexpr size_t kReleaseParts = 3;

// The numbers of "1.2.3"; nullopt for anything else, such as "1.2.3-rc1".
std::optional<std::vector<uint64_t>> ParseVersion(absl::string_view text) {
  absl::ConsumePrefix(&text, "v");
  std::vector<uint64_t> numbers;
  for (const absl::string_view part : absl::StrSplit(text, '.')) {
    uint64_t number = 0;
    const bool digits = !part.empty() && std::all_of(part.begin(), part.end(),
                                                     [](char c) { return absl::ascii_isdigit(c); });
    if (!digits || !absl::SimpleAtoi(part, &number)) return std::nullopt;
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

std::optional<std::string> NewestRelease(absl::string_view version,
                                         const std::vector<std::string>& tags) {
  std::vector<uint64_t> prefix;
  if (version != "~latest") {
    std::optional<std::vector<uint64_t>> parsed = ParseVersion(version);
    if (!parsed.has_value() || parsed->size() >= kReleaseParts) return std::nullopt;
    prefix = *std::move(parsed);
  }
  std::optional<std::string> newest;
  std::vector<uint64_t> newest_numbers;
  for (const std::string& tag : tags) {
    const std::optional<std::vector<uint64_t>> numbers = ParseVersion(tag);
    if (!numbers.has_value() || numbers->size() != kReleaseParts) continue;
    if (!std::equal(prefix.begin(), prefix.end(), numbers->begin())) continue;
    if (newest.has_value() && *numbers <= newest_numbers) continue;
    newest = tag;
    newest_numbers = *numbers;
  }
  return newest;
}

}  // namespace grange::source
