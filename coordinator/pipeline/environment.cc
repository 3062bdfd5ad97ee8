#include "coordinator/pipeline/environment.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/os/sha256.h"

namespace grange::pipeline {
namespace {

constexpr size_t kNameBytesMax = 255;
constexpr size_t kSlugBytesMax = 24;
constexpr size_t kSlugBytesKept = 17;  // before the hash
constexpr int kHashDigits = 6;
constexpr absl::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";

// The last digits of the hash, as a number in base 36.
std::string HashDigits(absl::string_view name) {
  uint64_t modulus = 1;
  for (int i = 0; i < kHashDigits; ++i) modulus *= kDigits.size();
  uint64_t rest = 0;
  for (const char byte : os::Sha256Of(name)) {
    rest = (rest * 256 + static_cast<unsigned char>(byte)) % modulus;
  }
  std::string digits(kHashDigits, '0');
  for (int i = kHashDigits - 1; i >= 0; --i) {
    digits[static_cast<size_t>(i)] = kDigits[rest % kDigits.size()];
    rest /= kDigits.size();
  }
  return digits;
}

}  // namespace

absl::Status CheckEnvironmentName(absl::string_view name) {
  if (name.size() > kNameBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("an environment's name has at most ", kNameBytesMax, " bytes"));
  }
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains(" -_/", c);
  });
  if (!plain || name.empty() || name.front() == '/' || name.back() == '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' can't name an environment; it takes letters, digits, blanks ",
                     "and '-_/', without a slash at its ends"));
  }
  return absl::OkStatus();
}

std::string EnvironmentSlug(absl::string_view name) {
  std::string slug;
  for (const char c : absl::AsciiStrToLower(name)) {
    const char kept = absl::ascii_isalnum(static_cast<unsigned char>(c)) ? c : '-';
    if (kept != '-' || !absl::EndsWith(slug, "-")) slug.push_back(kept);
  }
  if (slug.empty() || !absl::ascii_islower(static_cast<unsigned char>(slug[0]))) {
    slug.insert(0, absl::StartsWith(slug, "-") ? "env" : "env-");
  }
  if (slug.size() <= kSlugBytesMax && slug == name)
    return std::string(absl::StripSuffix(slug, "-"));
  slug.resize(std::min(slug.size(), kSlugBytesKept));
  return absl::StrCat(slug, absl::EndsWith(slug, "-") ? "" : "-", HashDigits(name));
}

absl::string_view EnvironmentTier(absl::string_view name) {
  constexpr std::pair<absl::string_view, absl::string_view> kWords[] = {
      {"dev", "development"}, {"review", "development"}, {"trunk", "development"},
      {"test", "testing"},    {"tst", "testing"},        {"int", "testing"},
      {"acc", "testing"},     {"qa", "testing"},         {"qc", "testing"},
      {"quality", "testing"}, {"st", "staging"},         {"mod", "staging"},
      {"pre", "staging"},     {"demo", "staging"},       {"non", "staging"},
      {"prod", "production"}, {"live", "production"},
  };
  const std::string text = absl::AsciiStrToLower(name);
  const absl::string_view lower = text;
  for (const auto& [word, tier] : kWords) {
    // A word for itself, or the beginning of one.
    for (size_t at = lower.find(word); at != absl::string_view::npos;
         at = lower.find(word, at + 1)) {
      if (at == 0 || !absl::ascii_isalnum(static_cast<unsigned char>(lower[at - 1]))) return tier;
    }
  }
  return "other";
}

}  // namespace grange::pipeline
