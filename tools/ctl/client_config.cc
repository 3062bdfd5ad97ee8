#include "tools/ctl/client_config.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/text/edit_distance.h"
#include "tools/ctl/exit_code.h"

namespace grange::ctl {
namespace {

constexpr uint64_t kConfigBytesMax = 1 << 20;

struct Entry {
  std::string key;
  std::string value;
  int line = 0;
};

class FlatReader {
 public:
  FlatReader(absl::string_view name, absl::string_view text)
      : name_(name), lines_(absl::StrSplit(text, '\n')) {}

  absl::StatusOr<std::vector<Entry>> Read() {
    std::vector<Entry> entries;
    while (next_ < lines_.size()) {
      const absl::string_view line = Current();
      const absl::string_view bare = absl::StripAsciiWhitespace(line);
      if (bare.empty() || bare[0] == '#' || bare == "---") {
        ++next_;
        continue;
      }
      if (line[0] == ' ' || line[0] == '\t') return Error("unexpected indentation");
      const size_t colon = line.find(':');
      if (colon == absl::string_view::npos) return Error("expected 'key: value'");
      Entry entry{.key = std::string(absl::StripAsciiWhitespace(line.substr(0, colon))),
                  .value = "",
                  .line = static_cast<int>(next_) + 1};
      const absl::string_view rest = absl::StripAsciiWhitespace(line.substr(colon + 1));
      if (rest == "|" || rest == "|-") {
        ++next_;
        entry.value = Block();
      } else {
        GRANGE_ASSIGN_OR_RETURN(entry.value, Scalar(rest));
        ++next_;
      }
      entries.push_back(std::move(entry));
    }
    return entries;
  }

 private:
  absl::string_view Current() const { return absl::StripSuffix(lines_[next_], "\r"); }

  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(
        name_, ":", next_ + 1, ": ", what,
        "; this file has the keys coordinator, ca, token and insecure, see grangectl(1)"));
  }

  absl::StatusOr<std::string> Scalar(absl::string_view text) const {
    if (text.empty()) return std::string();
    const char quote = text[0];
    if (quote != '"' && quote != '\'') {
      const size_t comment = text.find(" #");
      return std::string(absl::StripAsciiWhitespace(text.substr(0, comment)));
    }
    std::string value;
    for (size_t i = 1; i < text.size(); ++i) {
      if (text[i] == quote && quote == '\'' && i + 1 < text.size() && text[i + 1] == '\'') {
        value += text[++i];
      } else if (text[i] == quote) {
        const absl::string_view rest = absl::StripAsciiWhitespace(text.substr(i + 1));
        if (!rest.empty() && rest[0] != '#') return Error("text after the closing quote");
        return value;
      } else if (text[i] == '\\' && quote == '"') {
        if (++i == text.size()) break;
        if (text[i] != '"' && text[i] != '\\') {
          return Error("only \\\" and \\\\ are understood in quotes");
        }
        value += text[i];
      } else {
        value += text[i];
      }
    }
    return Error("the quote is not closed");
  }

  // The lines that are indented, without the indentation of the first.
  std::string Block() {
    std::string block;
    size_t indent = 0;
    for (; next_ < lines_.size(); ++next_) {
      const absl::string_view line = Current();
      const size_t own = line.find_first_not_of(' ');
      if (own == absl::string_view::npos) {
        if (!block.empty()) block += '\n';
        continue;
      }
      if (indent == 0) indent = own;
      if (indent == 0 || own < indent) break;
      absl::StrAppend(&block, line.substr(indent), "\n");
    }
    while (absl::EndsWith(block, "\n\n")) block.pop_back();
    return block;
  }

  const absl::string_view name_;
  const std::vector<absl::string_view> lines_;
  size_t next_ = 0;
};

// The candidates in the order of looking; `required` if a person named the file.
struct Place {
  std::string path;
  bool required = false;
};

Place FindConfig(const std::string& flag) {
  if (!flag.empty()) return {.path = flag, .required = true};
  const char* variable = ::getenv("GRANGE_CONFIG");
  if (variable != nullptr && *variable != '\0') return {.path = variable, .required = true};
  const char* home = ::getenv("HOME");
  if (home != nullptr && *home != '\0') {
    const std::string own = os::JoinPath(home, ".config/grange/grangectl.yml");
    if (os::Exists(own)) return {.path = own};
  }
  return {.path = "/etc/grange/grangectl.yml"};
}

absl::Status CheckMode(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return absl::OkStatus();  // reading it tells why
  if (!S_ISREG(info.st_mode) || (info.st_mode & S_IROTH) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "'", path, "' can be read by every user and holds a token; run: chmod 600 ", path));
}

}  // namespace

absl::StatusOr<ClientConfig> ParseClientConfig(absl::string_view name, absl::string_view text) {
  GRANGE_ASSIGN_OR_RETURN(const std::vector<Entry> entries, FlatReader(name, text).Read());
  ClientConfig config;
  std::set<std::string> seen;
  for (const Entry& entry : entries) {
    const std::string place = absl::StrCat(name, ":", entry.line, ": ");
    if (!seen.insert(entry.key).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(place, "'", entry.key, "' stands twice; remove one of them"));
    }
    if (entry.key == "coordinator") {
      config.coordinator = entry.value;
    } else if (entry.key == "ca") {
      config.ca = entry.value;
    } else if (entry.key == "token") {
      config.token = Secret(entry.value);
    } else if (entry.key == "insecure") {
      if (entry.value != "true" && entry.value != "false") {
        return absl::InvalidArgumentError(absl::StrCat(place, "'insecure' is true or false"));
      }
      config.insecure = entry.value == "true";
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(place, "unknown key '", entry.key, "'",
                       text::DidYouMean(entry.key, {"coordinator", "ca", "token", "insecure"})));
    }
  }
  return config;
}

absl::StatusOr<ClientConfig> LoadClientConfig(const std::string& flag,
                                              const std::string& coordinator) {
  const Place place = FindConfig(flag);
  ClientConfig config;
  if (place.required || os::Exists(place.path)) {
    GRANGE_RETURN_IF_ERROR(CheckMode(place.path));
    const absl::StatusOr<std::string> text = os::ReadFile(place.path, kConfigBytesMax);
    if (!text.ok()) {
      return UsageError(absl::StrCat(
          text.status().message(),
          "; a coordinator writes this file as grangectl.yml into its state directory"));
    }
    GRANGE_ASSIGN_OR_RETURN(config, ParseClientConfig(place.path, *text));
  }
  if (!coordinator.empty()) config.coordinator = coordinator;
  if (config.coordinator.empty()) {
    return absl::UnavailableError(
        "no coordinator is known; name its grangectl.yml with --config FILE or $GRANGE_CONFIG, or "
        "copy it to ~/.config/grange/grangectl.yml");
  }
  return config;
}

}  // namespace grange::ctl
