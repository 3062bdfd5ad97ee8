#include "coordinator/config/include_item.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/text/edit_distance.h"
#include "coordinator/config/limits.h"

namespace grange::config {
namespace {

using Kind = IncludeRequest::Kind;

struct KindKeyword {
  absl::string_view name;
  Kind kind;
};

constexpr std::array<KindKeyword, 5> kKinds = {{
    {"local", Kind::kLocal},
    {"project", Kind::kProject},
    {"remote", Kind::kRemote},
    {"template", Kind::kTemplate},
    {"component", Kind::kComponent},
}};

// A keyword that goes with one kind only.
constexpr std::array<KindKeyword, 4> kOfKind = {{
    {"file", Kind::kProject},
    {"ref", Kind::kProject},
    {"integrity", Kind::kRemote},
    {"cache", Kind::kRemote},
}};

constexpr size_t kSha256Base64 = 44;  // characters

absl::string_view NameOf(Kind kind) { return kKinds[static_cast<size_t>(kind)].name; }

bool IsUrl(absl::string_view text) {
  return absl::StartsWithIgnoreCase(text, "http://") ||
         absl::StartsWithIgnoreCase(text, "https://");
}

class Reader {
 public:
  Reader(IncludeForm form, std::vector<Diagnostic>& diagnostics)
      : form_(form), diagnostics_(diagnostics) {}

  std::optional<IncludeItem> Read(const Value& value) {
    IncludeItem item;
    item.place = value.place;
    if (value.IsScalar()) {
      item.short_form = true;
      item.paths = {&value};
      return item;
    }
    if (!value.IsMap()) {
      Error(value.place, absl::StrCat("'include' takes a path, a map such as {local: path}, or a ",
                                      "list of these, but this is ", value.KindName()));
      return std::nullopt;
    }
    ReadKind(value, item);
    if (ok_) {
      for (const Entry& entry : value.entries) ReadKeyword(entry, item);
    }
    if (ok_ && item.kind == Kind::kProject && item.paths.empty()) {
      Error(item.place, "'include:project' needs 'file', the path of a file in that project");
    }
    return ok_ ? std::optional<IncludeItem>(std::move(item)) : std::nullopt;
  }

 private:
  void ReadKind(const Value& map, IncludeItem& item) {
    const Entry* found = nullptr;
    for (const Entry& entry : map.entries) {
      const auto* const at = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& keyword) {
        return keyword.name == entry.key;
      });
      if (at == kKinds.end()) {
        CheckKnown(entry);
      } else if (found != nullptr) {
        Error(entry.key_place, absl::StrCat("'", found->key, "' and '", entry.key, "' exclude ",
                                            "each other in 'include'; make two entries of it"));
      } else {
        found = &entry;
        item.kind = at->kind;
      }
    }
    if (found == nullptr && ok_) {
      Error(item.place, absl::StrCat("an 'include' needs one of ", KindNames()));
    }
    const bool refused = item.kind == Kind::kTemplate || item.kind == Kind::kComponent;
    if (found != nullptr && form_ == IncludeForm::kHeader && refused) {
      Error(found->key_place, absl::StrCat("'spec:include' takes 'local', 'project' or 'remote', ",
                                           "not '", found->key, "'"));
    }
  }

  void CheckKnown(const Entry& entry) {
    std::vector<std::string> known = {"inputs", "rules"};
    for (const KindKeyword& keyword : kKinds) known.emplace_back(keyword.name);
    for (const KindKeyword& keyword : kOfKind) known.emplace_back(keyword.name);
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) return;
    Error(entry.key_place, absl::StrCat("unknown keyword '", entry.key, "' in 'include'",
                                        text::DidYouMean(entry.key, known)));
  }

  std::string KindNames() const {
    return absl::StrJoin(kKinds, ", ", [](std::string* out, const KindKeyword& keyword) {
      absl::StrAppend(out, "'", keyword.name, "'");
    });
  }

  void ReadKeyword(const Entry& entry, IncludeItem& item) {
    const Value& value = *entry.value;
    for (const KindKeyword& keyword : kOfKind) {
      if (keyword.name != entry.key || keyword.kind == item.kind) continue;
      return Error(entry.key_place,
                   absl::StrCat("'", entry.key, "' belongs to 'include:", NameOf(keyword.kind),
                                "', not to 'include:", NameOf(item.kind), "'; remove it"));
    }
    if (entry.key == "rules" || entry.key == "inputs") {
      return ReadExtra(entry, item);
    } else if (entry.key == "project") {
      ReadText(value, entry.key, item.project);
    } else if (entry.key == "ref") {
      ReadText(value, entry.key, item.ref);
    } else if (entry.key == "integrity") {
      ReadIntegrity(value, item);
    } else if (entry.key == "cache") {
      Warn(entry.key_place,
           "'include:cache' has no effect here: the file is fetched for each pipeline");
    } else if (entry.key == "file" && value.IsList()) {
      for (const Value* path : value.items) ReadPath(*path, entry.key, item);
    } else {
      ReadPath(value, entry.key, item);
    }
  }

  void ReadExtra(const Entry& entry, IncludeItem& item) {
    if (form_ == IncludeForm::kHeader) {
      return Error(entry.key_place,
                   absl::StrCat("'spec:include' takes no '", entry.key, "'; remove it"));
    }
    if (entry.key == "rules") {
      item.rules = &entry;
    } else if (entry.value->IsMap()) {
      item.inputs = &entry;
    } else if (!entry.value->IsNull()) {
      Error(entry.value->place, absl::StrCat("'include:inputs' takes a map from names to values, ",
                                             "but this is ", entry.value->KindName()));
    }
  }

  void ReadPath(const Value& value, absl::string_view keyword, IncludeItem& item) {
    std::string text;
    ReadText(value, keyword, text);
    item.paths.push_back(&value);
  }

  void ReadText(const Value& value, absl::string_view keyword, std::string& text) {
    if (!value.IsScalar() || value.text.empty()) {
      return Error(value.place,
                   absl::StrCat("'include:", keyword, "' takes a text",
                                keyword == "file" ? " or a list of texts" : "", ", but this is ",
                                value.IsScalar() ? "empty" : value.KindName()));
    }
    text = value.text;
  }

  void ReadIntegrity(const Value& value, IncludeItem& item) {
    ReadText(value, "integrity", item.integrity);
    absl::string_view hash = item.integrity;
    const bool good = absl::ConsumePrefix(&hash, "sha256-") && hash.size() == kSha256Base64 &&
                      hash.back() == '=' && std::all_of(hash.begin(), hash.end() - 1, [](char c) {
                        return absl::ascii_isalnum(c) || c == '+' || c == '/';
                      });
    if (ok_ && !good) {
      Error(value.place,
            "'include:integrity' takes 'sha256-' and the hash of the file in base64; "
            "openssl dgst -sha256 -binary FILE | openssl base64 -A gives it");
    }
  }

  void Error(Place place, std::string message) {
    ok_ = false;
    Report(diagnostics_, Diagnostic::Severity::kError, place.Span(), std::move(message));
  }

  void Warn(Place place, std::string message) {
    Report(diagnostics_, Diagnostic::Severity::kWarning, place.Span(), std::move(message));
  }

  const IncludeForm form_;
  std::vector<Diagnostic>& diagnostics_;
  bool ok_ = true;
};

absl::Status CheckPath(absl::string_view path) {
  if (!absl::EndsWithIgnoreCase(path, ".yml") && !absl::EndsWithIgnoreCase(path, ".yaml")) {
    return absl::InvalidArgumentError(
        absl::StrCat("include '", path, "' must end in '.yml' or '.yaml'"));
  }
  if (absl::StartsWith(path, "./")) {
    return absl::InvalidArgumentError(
        absl::StrCat("include '", path, "' starts with './', but paths are from the repository's ",
                     "root; leave it out"));
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  if (std::find(parts.begin(), parts.end(), "..") != parts.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("include '", path, "' has '..' in it, but no path can leave the repository; ",
                     "write it from the repository's root"));
  }
  return absl::OkStatus();
}

absl::Status CheckComponent(absl::string_view address) {
  const size_t at = address.rfind('@');
  const absl::string_view path = address.substr(0, at);
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  const bool good = at != absl::string_view::npos && at + 1 < address.size() && parts.size() >= 3 &&
                    std::all_of(parts.begin(), parts.end(), [](absl::string_view part) {
                      return !part.empty() && part != "." && part != "..";
                    });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", address, "' is no component; write HOST/PROJECT/NAME@VERSION"));
}

absl::Status CheckTemplate(absl::string_view name) {
  const absl::Status path = CheckPath(name);
  if (!path.ok()) return path;
  if (!absl::StartsWith(name, "/")) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("template '", name, "' is a name, not a path"));
}

}  // namespace

std::optional<IncludeItem> ReadIncludeItem(const Value& item, IncludeForm form,
                                           std::vector<Diagnostic>& diagnostics) {
  return Reader(form, diagnostics).Read(item);
}

absl::StatusOr<IncludeRequest> ToRequest(
    const IncludeItem& item, const Value& path, const Origin& from,
    const std::function<std::string(absl::string_view)>& expand) {
  IncludeRequest request;
  request.kind = item.kind;
  request.from = from;
  request.path = expand(path.text);
  request.project = std::string(absl::StripPrefix(expand(item.project), "/"));
  request.ref = expand(item.ref);
  request.integrity = item.integrity;
  if (item.short_form && IsUrl(request.path)) request.kind = Kind::kRemote;
  absl::Status checked;
  switch (request.kind) {
    case Kind::kLocal:
    case Kind::kProject:
      request.path = std::string(absl::StripPrefix(request.path, "/"));
      checked = CheckPath(request.path);
      break;
    case Kind::kRemote:
      if (!IsUrl(request.path)) {
        checked = absl::InvalidArgumentError(
            absl::StrCat("'", request.path, "' is no URL that starts with https:// or http://"));
      }
      break;
    case Kind::kTemplate:
      checked = CheckTemplate(request.path);
      break;
    case Kind::kComponent:
      checked = CheckComponent(request.path);
      break;
  }
  if (!checked.ok()) return checked;
  return request;
}

}  // namespace grange::config
