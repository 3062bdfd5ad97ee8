#include "agent/exec/job_cgroups.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/shim/job_cgroup.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "common/os/unique_fd.h"

namespace grange::exec {
namespace {

constexpr char kNoteFile[] = "cgroup";
constexpr uint64_t kNoteBytesMax = 64 << 10;
constexpr uint64_t kProcFileBytesMax = 16 << 20;
constexpr int kSweepRounds = 200;
constexpr int kSweepRoundMs = 10;

// A hierarchy as this process sees it.
struct Hierarchy {
  std::string mount;  // where it is mounted
  std::string root;   // the group that is shown there: "/" outside of containers
};

bool HasWord(absl::string_view list, char separator, absl::string_view word) {
  const std::vector<absl::string_view> words = absl::StrSplit(list, separator);
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Spaces and the like are written as \040 in mountinfo.
std::string Unescaped(absl::string_view text) {
  std::string out;
  return absl::CUnescape(text, &out) ? out : std::string(text);
}

// The mounted hierarchy of `controller`, or the one of cgroup v2 for "".
std::optional<Hierarchy> FindHierarchy(absl::string_view mountinfo, absl::string_view controller) {
  for (const absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    // "36 35 98:0 /root /mount options optional… - type source super-options"
    const std::vector<absl::string_view> halves = absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    if (halves.size() != 2) continue;
    const std::vector<absl::string_view> place = absl::StrSplit(halves[0], ' ');
    const std::vector<absl::string_view> kind = absl::StrSplit(halves[1], ' ');
    if (place.size() < 6 || kind.size() < 3) continue;
    const bool found = controller.empty()
                           ? kind[0] == "cgroup2"
                           : kind[0] == "cgroup" && HasWord(kind[2], ',', controller);
    if (found) return Hierarchy{.mount = Unescaped(place[4]), .root = Unescaped(place[3])};
  }
  return std::nullopt;
}

// The group of this process: its path in the hierarchy of `controller`, or of cgroup v2 for "".
std::string OwnGroup(absl::string_view cgroup_file, absl::string_view controller) {
  for (const absl::string_view line : absl::StrSplit(cgroup_file, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const bool found = controller.empty() ? fields[0] == "0" : HasWord(fields[1], ',', controller);
    if (found) return std::string(fields[2]);
  }
  return "/";
}

// Where the group `path` lies in the file system.
std::string FolderOf(const Hierarchy& hierarchy, absl::string_view path) {
  if (hierarchy.root != "/") absl::ConsumePrefix(&path, hierarchy.root);
  while (absl::ConsumePrefix(&path, "/")) {
  }
  while (absl::ConsumeSuffix(&path, "/")) {
  }
  return path.empty() ? hierarchy.mount : os::JoinPath(hierarchy.mount, path);
}

absl::Status Write(const std::string& path, absl::string_view text) {
  const os::UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot open", path);
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return os::ErrnoStatus(errno, "cannot write", path);
  }
  return absl::OkStatus();
}

std::string ReadWord(const std::string& path) {
  return std::string(
      absl::StripAsciiWhitespace(os::ReadFile(path, kProcFileBytesMax).value_or("")));
}

// "" if groups can be made in `folder`; `wanted`: it may still have to be made itself.
std::string WhyNotIn(const std::string& folder, bool wanted) {
  if (wanted && mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    return std::string(os::ErrnoStatus(errno, "cannot make the cgroup", folder).message());
  }
  if (access(folder.c_str(), W_OK) == 0) return "";
  return absl::StrCat(os::ErrnoStatus(errno, "cannot make cgroups in", folder).message(),
                      "; run the agent as a service with Delegate=yes, or as root");
}

// Of cgroup v2: "" if this process may move out of its group `folder`.
std::string WhyNotAlone(const std::string& folder) {
  if (!os::Exists(os::JoinPath(folder, "cgroup.type"))) return "";  // the root may have both
  const std::string own = absl::StrCat(getpid());
  for (const absl::string_view pid :
       absl::StrSplit(ReadWord(os::JoinPath(folder, "cgroup.procs")), '\n', absl::SkipEmpty())) {
    if (pid == own) continue;
    return absl::StrCat("the agent's cgroup '", folder, "' has other processes, such as ", pid,
                        "; run it as a service with Delegate=yes, or name a cgroup of its own with "
                        "--cgroup");
  }
  return "";
}

shim::JobCgroup Handle(const JobCgroup& group) {
  return shim::JobCgroup(group.folders(), group.limits().memory_bytes, group.limits().pids);
}

std::string NoteOf(const JobCgroup& group) {
  std::string text =
      absl::StrCat("memory=", group.limits().memory_bytes, "\npids=", group.limits().pids, "\n");
  for (const std::string& folder : group.folders()) absl::StrAppend(&text, "folder=", folder, "\n");
  return text;
}

JobCgroup ReadNote(const std::string& job_dir) {
  JobLimits limits;
  std::vector<std::string> folders;
  const absl::StatusOr<std::string> text =
      os::ReadFile(os::JoinPath(job_dir, kNoteFile), kNoteBytesMax);
  if (!text.ok()) return JobCgroup();
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (absl::ConsumePrefix(&line, "memory=")) {
      if (!absl::SimpleAtoi(line, &limits.memory_bytes)) limits.memory_bytes = 0;
    } else if (absl::ConsumePrefix(&line, "pids=")) {
      if (!absl::SimpleAtoi(line, &limits.pids)) limits.pids = 0;
    } else if (absl::ConsumePrefix(&line, "folder=")) {
      folders.emplace_back(line);
    }
  }
  return JobCgroup(std::move(folders), limits);
}

}  // namespace

JobCgroups JobCgroups::Find(absl::string_view state_dir, const std::string& where,
                            const std::string& proc) {
  JobCgroups found;
  found.told_ = !where.empty();
  found.prefix_ =
      absl::StrCat("grange-", absl::BytesToHexString(os::Sha256Of(state_dir).substr(0, 4)), "-");
  const std::string mounts =
      os::ReadFile(os::JoinPath(proc, "self/mountinfo"), kProcFileBytesMax).value_or("");
  const std::string groups =
      os::ReadFile(os::JoinPath(proc, "self/cgroup"), kProcFileBytesMax).value_or("");
  const auto folder_in = [&](const Hierarchy& hierarchy, absl::string_view controller) {
    return FolderOf(hierarchy, found.told_ ? where : OwnGroup(groups, controller));
  };

  if (const std::optional<Hierarchy> v2 = FindHierarchy(mounts, "")) {
    const std::string folder = folder_in(*v2, "");
    const std::string offered =
        ReadWord(os::JoinPath(found.told_ ? v2->mount : folder, "cgroup.controllers"));
    if (HasWord(offered, ' ', "memory") || HasWord(offered, ' ', "pids")) {
      std::string why = WhyNotIn(folder, found.told_);
      if (why.empty() && !found.told_) why = WhyNotAlone(folder);
      const std::string missing = "is not among the controllers of cgroup v2 here";
      found.why_no_memory_ = !why.empty()                      ? why
                             : HasWord(offered, ' ', "memory") ? ""
                                                               : "memory " + missing;
      found.why_no_pids_ = !why.empty()                    ? why
                           : HasWord(offered, ' ', "pids") ? ""
                                                           : "pids " + missing;
      if (why.empty()) found.parents_.push_back({folder, ""});
      if (why.empty()) found.version_ = Version::kV2;
      return found;
    }
  }
  for (const auto& [controller, why] :
       {std::pair<const char*, std::string*>{"memory", &found.why_no_memory_},
        std::pair<const char*, std::string*>{"pids", &found.why_no_pids_}}) {
    const std::optional<Hierarchy> v1 = FindHierarchy(mounts, controller);
    if (!v1) {
      *why = absl::StrCat("this machine has no cgroup controller '", controller, "'");
      continue;
    }
    const std::string folder = folder_in(*v1, controller);
    *why = WhyNotIn(folder, found.told_);
    if (!why->empty()) continue;
    found.parents_.push_back({folder, controller});
    found.version_ = Version::kV1;
  }
  return found;
}

std::string JobCgroups::ToString() const {
  std::vector<absl::string_view> limits;
  if (why_no_memory_.empty()) limits.push_back("memory");
  if (why_no_pids_.empty()) limits.push_back("pids");
  if (limits.empty()) return "none";
  return absl::StrCat("cgroup ", version_ == Version::kV2 ? "v2" : "v1", " (",
                      absl::StrJoin(limits, ", "), ")");
}

absl::Status JobCgroups::Prepare() const {
  if (version_ != Version::kV2) return absl::OkStatus();
  const std::string& folder = parents_[0].folder;
  std::string wanted;
  if (why_no_memory_.empty()) absl::StrAppend(&wanted, " +memory");
  if (why_no_pids_.empty()) absl::StrAppend(&wanted, " +pids");
  const auto enable = [&wanted](const std::string& group) -> absl::Status {
    const std::string path = os::JoinPath(group, "cgroup.subtree_control");
    const std::string enabled = ReadWord(path);
    bool all = true;
    for (const absl::string_view controller : absl::StrSplit(wanted, ' ', absl::SkipEmpty())) {
      all = all && HasWord(enabled, ' ', controller.substr(1));
    }
    return all ? absl::OkStatus() : Write(path, wanted.substr(1));
  };
  // A group gets only those controllers that the one above it hands down.
  if (told_) {
    GRANGE_RETURN_IF_ERROR(enable(folder.substr(0, folder.rfind('/'))));
    return enable(folder);
  }
  if (os::Exists(os::JoinPath(folder, "cgroup.type"))) {
    const std::string own = os::JoinPath(folder, "agent");
    if (mkdir(own.c_str(), 0755) != 0 && errno != EEXIST) {
      return os::ErrnoStatus(errno, "cannot make the cgroup", own);
    }
    GRANGE_RETURN_IF_ERROR(Write(os::JoinPath(own, "cgroup.procs"), absl::StrCat(getpid())));
  }
  return enable(folder);
}

absl::StatusOr<JobCgroup> JobCgroups::Make(const std::string& job_dir,
                                           const JobLimits& limits) const {
  GRANGE_RETURN_IF_ERROR(Prepare());
  const std::string name = absl::StrCat(prefix_, job_dir.substr(job_dir.rfind('/') + 1));
  std::vector<std::string> folders;
  for (const Parent& parent : parents_) folders.push_back(os::JoinPath(parent.folder, name));
  const JobCgroup group(std::move(folders), limits);
  // Before they are there: an agent that dies now finds them again.
  GRANGE_RETURN_IF_ERROR(os::WriteFile(os::JoinPath(job_dir, kNoteFile), NoteOf(group)));
  absl::Status made;
  for (const std::string& folder : group.folders()) {
    if (mkdir(folder.c_str(), 0755) == 0 || errno == EEXIST || !made.ok()) continue;
    made = os::ErrnoStatus(errno, "cannot make the cgroup", folder);
  }
  if (made.ok()) {
    const std::string file = Handle(group).SetLimits();
    if (!file.empty()) made = os::ErrnoStatus(errno, "cannot set the limit", file);
  }
  if (made.ok()) return group;
  Handle(group).Remove();
  return made;
}

absl::Status JobCgroups::Renew(const std::string& job_dir) const {
  const JobCgroup group = ReadNote(job_dir);
  if (group.folders().empty()) return absl::OkStatus();
  GRANGE_RETURN_IF_ERROR(Prepare());
  const std::string file = Handle(group).SetLimits();
  return file.empty() ? absl::OkStatus() : os::ErrnoStatus(errno, "cannot set the limit", file);
}

size_t JobCgroups::Sweep(const std::set<std::string>& keep) const {
  std::set<std::string> left;
  for (const Parent& parent : parents_) {
    for (const std::string& name :
         os::ListDir(parent.folder).value_or(std::vector<std::string>())) {
      absl::string_view job = name;
      if (!absl::ConsumePrefix(&job, prefix_) || keep.count(std::string(job)) > 0) continue;
      left.insert(os::JoinPath(parent.folder, name));
    }
  }
  const shim::JobCgroup groups(std::vector<std::string>(left.begin(), left.end()), 0, 0);
  groups.HoldForks();
  for (int round = 0; round < kSweepRounds; ++round) {
    if (groups.KillAll() == 0 && groups.Remove()) break;
    poll(nullptr, 0, kSweepRoundMs);
  }
  return left.size();
}

size_t KillCgroupOf(const std::string& job_dir) {
  const shim::JobCgroup group = Handle(ReadNote(job_dir));
  group.HoldForks();
  return group.KillAll();
}

bool RemoveCgroupOf(const std::string& job_dir) { return Handle(ReadNote(job_dir)).Remove(); }

}  // namespace grange::exec
