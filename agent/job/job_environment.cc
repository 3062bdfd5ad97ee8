#include "agent/job/job_environment.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/text/expand.h"

namespace grange::job {
namespace {

// The kernel's MAX_ARG_STRLEN: one "NAME=value" with its NUL.
constexpr size_t kEnvironmentEntryMax = 128 << 10;
constexpr size_t kEnvironmentBytesMax = 1 << 20;
constexpr size_t kVariablesMax = 5000;

constexpr std::array<absl::string_view, 7> kHandedOn = {"PATH",  "HOME", "USER", "LOGNAME",
                                                        "SHELL", "LANG", "TZ"};

bool IsShellName(absl::string_view name) {
  if (name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || absl::ascii_isalnum(static_cast<unsigned char>(c));
  });
}

std::string JsonArray(const std::vector<std::string>& values) {
  return absl::StrCat("[",
                      absl::StrJoin(values, ",",
                                    [](std::string* out, const std::string& v) {
                                      absl::StrAppend(out, "\"");
                                      for (const char c : v) {
                                        if (c == '"' || c == '\\') out->push_back('\\');
                                        out->push_back(c);
                                      }
                                      absl::StrAppend(out, "\"");
                                    }),
                      "]");
}

#if defined(__x86_64__)
constexpr char kArch[] = "linux/amd64";
#elif defined(__aarch64__)
constexpr char kArch[] = "linux/arm64";
#else
constexpr char kArch[] = "linux/unknown";
#endif

// Collects the variables in the order in which they are set, and remembers of each name's last
// setting what must be done with the value after it has been expanded.
class Collector {
 public:
  void Add(absl::string_view name, absl::string_view value, bool raw, bool file, bool masked) {
    values_.push_back({std::string(name), std::string(value), !raw});
    kinds_[std::string(name)] = {file};
    if (masked) {
      masked_names_.insert(std::string(name));
      AddMask(value);
    }
  }
  void AddKnown(absl::string_view name, absl::string_view value) {
    Add(name, value, /*raw=*/true, /*file=*/false, /*masked=*/false);
  }
  void AddMask(absl::string_view value) {
    if (!value.empty()) masks_.insert(std::string(value));
  }

  absl::StatusOr<JobEnvironment> Build(const std::string& files_dir);

 private:
  struct Kind {
    bool file = false;
  };
  std::vector<text::NamedValue> values_;
  std::map<std::string, Kind> kinds_;
  std::set<std::string> masked_names_;
  std::set<std::string> masks_;
};

absl::Status CheckVariable(absl::string_view name, absl::string_view value, bool file) {
  if (!IsShellName(name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "variable '", name, "' can't be given to a job; a name has letters, digits and '_' only"));
  }
  if (value.find('\0') != absl::string_view::npos && !file) {
    return absl::InvalidArgumentError(
        absl::StrCat("variable '", name,
                     "' contains a NUL byte, which no environment can hold; make it a "
                     "file variable"));
  }
  return absl::OkStatus();
}

absl::StatusOr<JobEnvironment> Collector::Build(const std::string& files_dir) {
  if (values_.size() > kVariablesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the job has ", values_.size(), " variables; at most ", kVariablesMax, " are possible"));
  }
  for (const text::NamedValue& v : values_) {
    GRANGE_RETURN_IF_ERROR(CheckVariable(v.name, v.value, kinds_[v.name].file));
  }
  // A file variable's path, not its content, is what other values that name it get. An earlier
  // setting of the same name stays, for values that name themselves.
  std::map<std::string, size_t> last;
  for (size_t i = 0; i < values_.size(); ++i) last[values_[i].name] = i;
  JobEnvironment out;
  std::vector<text::NamedValue> files;  // by path
  for (const auto& [name, index] : last) {
    if (!kinds_[name].file) continue;
    const std::string path = absl::StrCat(files_dir, "/", name);
    files.push_back({path, values_[index].value, values_[index].expand});
    values_[index].value = path;
    values_[index].expand = false;
  }
  GRANGE_ASSIGN_OR_RETURN(const std::vector<text::NamedValue> expanded,
                          text::ExpandAll(values_, kEnvironmentBytesMax));
  std::map<std::string, std::string> final_values;
  for (const text::NamedValue& v : expanded) final_values[v.name] = v.value;
  const auto look_up = [&](absl::string_view name) -> std::optional<std::string> {
    const auto found = final_values.find(std::string(name));
    if (found == final_values.end()) return std::nullopt;
    return found->second;
  };
  for (const text::NamedValue& file : files) {
    out.files.push_back(
        {file.name, Secret(file.expand ? text::Expand(file.value, look_up, text::Unknown::kKeep)
                                       : file.value)});
  }
  size_t total = 0;
  for (const auto& [name, value] : final_values) {
    const size_t bytes = name.size() + value.size() + 2;
    total += bytes;
    if (bytes > kEnvironmentEntryMax) {
      return absl::InvalidArgumentError(absl::StrCat(
          "variable '", name, "' has ", value.size(), " bytes, more than the ",
          kEnvironmentEntryMax, " that a process can be given; make it a file variable"));
    }
    if (total > kEnvironmentBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("the job's variables have more than ", kEnvironmentBytesMax,
                       " bytes together; make large ones file variables"));
    }
    if (masked_names_.count(name) != 0 && !kinds_[name].file) AddMask(value);
    out.variables.push_back(absl::StrCat(name, "=", value));
  }
  out.masks.assign(masks_.begin(), masks_.end());
  return out;
}

void AddOwn(const JobPlace& place, Collector& to) {
  for (const absl::string_view name : kHandedOn) {
    for (const std::string& entry : place.agent_environment) {
      const absl::string_view view = entry;
      if (absl::StartsWith(view, name) && view.substr(name.size(), 1) == "=") {
        to.AddKnown(name, view.substr(name.size() + 1));
      }
    }
  }
  to.AddKnown("CI", "true");
  to.AddKnown("GITLAB_CI", "true");
  to.AddKnown("CI_SERVER", "yes");
  to.AddKnown("CI_BUILDS_DIR", place.builds_dir);
  to.AddKnown("CI_PROJECT_DIR", place.project_dir);
  to.AddKnown("CI_CONCURRENT_ID", absl::StrCat(place.slot));
  to.AddKnown("CI_CONCURRENT_PROJECT_ID", absl::StrCat(place.slot));
  to.AddKnown("CI_JOB_ID", absl::StrCat(place.assignment.job.value()));
  to.AddKnown("CI_RUNNER_ID", absl::StrCat(place.agent.value()));
  to.AddKnown("CI_RUNNER_DESCRIPTION", place.agent_name);
  to.AddKnown("CI_RUNNER_TAGS", JsonArray(place.agent_tags));
  to.AddKnown("CI_RUNNER_VERSION", GRANGE_VERSION);
  to.AddKnown("CI_RUNNER_EXECUTABLE_ARCH", kArch);
}

}  // namespace

absl::StatusOr<JobEnvironment> BuildJobEnvironment(const JobSpec& spec, const JobSecrets& secrets,
                                                   const JobPlace& place) {
  Collector collector;
  AddOwn(place, collector);
  for (const Variable& v : spec.variables) {
    collector.Add(v.name, v.value, v.raw, v.file, /*masked=*/false);
  }
  for (const SecretVariable& v : secrets.variables) {
    collector.Add(v.name, v.value.Open(), v.raw, v.file, v.masked);
  }
  for (const Secret& mask : secrets.masks) collector.AddMask(mask.Open());
  return collector.Build(place.files_dir);
}

}  // namespace grange::job
