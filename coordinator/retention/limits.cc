#include "coordinator/retention/limits.h"

#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/text/duration_text.h"
#include "common/text/size_text.h"

namespace grange::retention {
namespace {

constexpr absl::Duration kAgeMin = absl::Seconds(1);
constexpr uint64_t kBytesMin = 1 << 20;
constexpr char kForever[] = "forever";
constexpr char kUnlimited[] = "unlimited";

// What a setting of this name changes in `limits`.
struct Setting {
  const char* name;
  Limit Limits::*limit;
  bool is_age;
};
constexpr Setting kSettings[] = {
    {"keep-pipelines", &Limits::pipelines, true}, {"pipelines-size", &Limits::pipelines, false},
    {"keep-traces", &Limits::traces, true},       {"traces-size", &Limits::traces, false},
    {"keep-artifacts", &Limits::artifacts, true}, {"artifacts-size", &Limits::artifacts, false},
    {"keep-mirrors", &Limits::mirrors, true},     {"mirrors-size", &Limits::mirrors, false},
};

const Setting* Find(absl::string_view name) {
  for (const Setting& setting : kSettings) {
    if (name == setting.name) return &setting;
  }
  return nullptr;
}

}  // namespace

absl::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kPipelines:
      return "pipelines";
    case Kind::kTraces:
      return "traces";
    case Kind::kArtifacts:
      return "artifacts";
    case Kind::kMirrors:
      return "mirrors";
    case Kind::kAudit:
      return "audit";
  }
  return "";
}

const Limit& Limits::Of(Kind kind) const {
  if (kind == Kind::kTraces) return traces;
  if (kind == Kind::kArtifacts) return artifacts;
  if (kind == Kind::kMirrors) return mirrors;
  return pipelines;
}

Limit Policy::Of(Kind kind, ProjectId project) const {
  const auto own = projects.find(project);
  if (own != projects.end()) return own->second.Of(kind);
  return {.age = farm.Of(kind).age, .bytes = kNoBytesLimit};
}

absl::StatusOr<absl::Duration> ParseAge(absl::string_view text) {
  if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(text), kForever)) {
    return absl::InfiniteDuration();
  }
  GRANGE_ASSIGN_OR_RETURN(const absl::Duration age, text::ParseDuration(text));
  if (age >= kAgeMin) return age;
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is too short; take a second or more, or '", kForever, "'"));
}

absl::StatusOr<uint64_t> ParseBytes(absl::string_view text) {
  if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(text), kUnlimited)) return kNoBytesLimit;
  const absl::StatusOr<uint64_t> bytes = text::ParseSize(text);
  if (!bytes.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(bytes.status().message(), "; or '", kUnlimited, "'"));
  }
  if (*bytes >= kBytesMin) return *bytes;
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is no size to keep; take 1 MiB or more, or '", kUnlimited, "'"));
}

std::string AgeText(absl::Duration age) {
  if (age == absl::InfiniteDuration()) return kForever;
  constexpr absl::Duration kDay = absl::Hours(24);
  if (age == kDay) return "1 day";
  if (age > kDay && age % kDay == absl::ZeroDuration()) return absl::StrCat(age / kDay, " days");
  return text::FormatDuration(age);
}

std::string BytesText(uint64_t bytes) {
  if (bytes == kNoBytesLimit) return kUnlimited;
  constexpr const char* kNames[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kNames)) {
    value /= 1024;
    ++unit;
  }
  const bool whole = value == static_cast<double>(static_cast<uint64_t>(value));
  return whole ? absl::StrFormat("%.0f %s", value, kNames[unit])
               : absl::StrFormat("%.1f %s", value, kNames[unit]);
}

bool IsSetting(absl::string_view name) { return Find(name) != nullptr; }

absl::Status CheckSetting(absl::string_view name, absl::string_view value) {
  const Setting* const setting = Find(name);
  if (setting == nullptr) return absl::NotFoundError(absl::StrCat("no setting '", name, "'"));
  if (value.empty()) return absl::OkStatus();
  return Annotate(setting->is_age ? ParseAge(value).status() : ParseBytes(value).status(), name);
}

Limits ProjectLimits(const Limits& farm, const std::map<std::string, std::string>& settings) {
  Limits limits = farm;
  for (const Setting& setting : kSettings) {
    Limit& limit = limits.*setting.limit;
    if (!setting.is_age) limit.bytes = kNoBytesLimit;
    const auto found = settings.find(setting.name);
    if (found == settings.end()) continue;
    if (setting.is_age) {
      limit.age = ParseAge(found->second).value_or(limit.age);
    } else {
      limit.bytes = ParseBytes(found->second).value_or(limit.bytes);
    }
  }
  return limits;
}

}  // namespace grange::retention
