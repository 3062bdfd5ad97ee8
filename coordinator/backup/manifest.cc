#include "coordinator/backup/manifest.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::backup {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr uint64_t kManifestBytesMax = 1 << 30;

bool StaysInside(const std::string& path) {
  if (path.empty() || path.front() == '/') return false;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

absl::StatusOr<Manifest> FromJson(const Json& json, const std::string& path) {
  const absl::Status no_sense = absl::DataLossError(
      absl::StrCat("'", path, "' makes no sense; take another backup"));
  try {
    if (json.at("format").get<int>() != kFormat) {
      return absl::FailedPreconditionError(
          absl::StrCat("'", path, "' has format ", json.at("format").get<int>(),
                       ", this program knows ", kFormat, "; use the program that made it"));
    }
    Manifest manifest;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, json.at("created_at").get<std::string>(),
                         &manifest.created_at, &error)) {
      return no_sense;
    }
    manifest.program = json.at("program");
    manifest.schema = json.at("schema");
    manifest.whole = json.at("whole");
    for (const Json& one : json.at("files")) {
      BackupFile file{.path = one.at("path"), .size = one.at("size"), .sha256 = one.at("sha256")};
      if (!StaysInside(file.path)) return no_sense;
      manifest.files.push_back(std::move(file));
    }
    return manifest;
  } catch (const Json::exception&) {
    return no_sense;
  }
}

}  // namespace

uint64_t Manifest::Bytes() const {
  uint64_t bytes = 0;
  for (const BackupFile& file : files) bytes += file.size;
  return bytes;
}

absl::Status WriteManifest(const std::string& folder, const Manifest& manifest) {
  Json json = {{"format", kFormat},
               {"created_at", absl::FormatTime(absl::RFC3339_sec, manifest.created_at,
                                               absl::UTCTimeZone())},
               {"program", manifest.program},
               {"schema", manifest.schema},
               {"whole", manifest.whole},
               {"files", Json::array()}};
  for (const BackupFile& file : manifest.files) {
    json["files"].push_back({{"path", file.path}, {"size", file.size}, {"sha256", file.sha256}});
  }
  return os::WriteFileAtomic(os::JoinPath(folder, kManifestName), json.dump(1) + "\n");
}

absl::StatusOr<Manifest> ReadManifest(const std::string& folder) {
  const std::string path = os::JoinPath(folder, kManifestName);
  const absl::StatusOr<std::string> text = os::ReadFile(path, kManifestBytesMax);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(absl::StrCat("'", folder, "' is no backup: it has no ",
                                            kManifestName, ", which is written last"));
  }
  GRANGE_RETURN_IF_ERROR(text.status());
  return FromJson(Json::parse(*text, nullptr, false), path);
}

}  // namespace grange::backup
