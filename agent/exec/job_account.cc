#include "agent/exec/job_account.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::exec {
namespace {

constexpr uint32_t kUidMax = 0xfffffffd;  // the two above mean "no user" in places
constexpr uint32_t kRangeMax = 10'000;
constexpr int kGroupsMax = 65536;  // the kernel's

absl::Status Wrong(absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("--run-as: ", text));
}

std::vector<uint32_t> GroupsOf(const passwd& entry) {
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  while (getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0 &&
         static_cast<int>(groups.size()) < kGroupsMax) {
    groups.resize(std::min<size_t>(groups.size() * 4, kGroupsMax));
    count = static_cast<int>(groups.size());
  }
  return {groups.begin(), groups.begin() + std::min<int>(count, static_cast<int>(groups.size()))};
}

// Of an entry of the user database, by `look_up`; nullopt if there is none.
template <typename LookUp>
std::optional<JobAccount> Find(const LookUp& look_up) {
  passwd entry{};
  passwd* found = nullptr;
  std::string buffer(64 << 10, '\0');
  if (look_up(&entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::nullopt;
  }
  return JobAccount{.ids = {.uid = entry.pw_uid, .gid = entry.pw_gid, .groups = GroupsOf(entry)},
                    .name = entry.pw_name,
                    .home = entry.pw_dir,
                    .shell = entry.pw_shell};
}

JobAccount OfNumber(uint32_t uid) {
  std::optional<JobAccount> account =
      Find([uid](auto... rest) { return getpwuid_r(uid, rest...); });
  if (account) return *std::move(account);
  return {.ids = {.uid = uid, .gid = uid, .groups = {}},
          .name = absl::StrCat(uid),
          .home = "",
          .shell = ""};
}

absl::Status AddAccounts(const std::string& word, std::vector<JobAccount>& accounts) {
  std::optional<JobAccount> named =
      Find([&word](auto... rest) { return getpwnam_r(word.c_str(), rest...); });
  if (named) {
    accounts.push_back(*std::move(named));
    return absl::OkStatus();
  }
  const std::vector<std::string> ends = absl::StrSplit(word, absl::MaxSplits('-', 1));
  uint32_t first = 0, last = 0;
  if (!absl::SimpleAtoi(ends.front(), &first) || !absl::SimpleAtoi(ends.back(), &last)) {
    return Wrong(absl::StrCat("there is no user '", word,
                              "'; make it, or give numbers such as 20000-20003"));
  }
  if (first > last || last > kUidMax || last - first >= kRangeMax) {
    return Wrong(absl::StrCat("'", word, "' is no range of user numbers"));
  }
  for (uint32_t uid = first; uid <= last; ++uid) accounts.push_back(OfNumber(uid));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<JobAccount>> ResolveAccounts(const std::vector<std::string>& wanted,
                                                        int slots) {
  std::vector<JobAccount> accounts;
  for (const std::string& word : wanted) GRANGE_RETURN_IF_ERROR(AddAccounts(word, accounts));
  std::set<uint32_t> seen;
  for (const JobAccount& account : accounts) {
    if (account.ids.uid == 0) {
      return Wrong(absl::StrCat("'", account.name, "' is root, which jobs must not be"));
    }
    if (!seen.insert(account.ids.uid).second) {
      return Wrong(absl::StrCat("'", account.name,
                                "' is named twice; two jobs at once must not share a user"));
    }
  }
  if (static_cast<int>(accounts.size()) < slots) {
    return Wrong(absl::StrCat("this agent has ", slots, " slots and each needs a user of its own, ",
                              "but ", accounts.size(), accounts.size() == 1 ? " is" : " are",
                              " named"));
  }
  return accounts;
}

absl::Status CheckCanPass(const JobAccount& account, const std::string& dir) {
  std::string path;
  for (const absl::string_view part : absl::StrSplit(dir, '/', absl::SkipEmpty())) {
    absl::StrAppend(&path, "/", part);
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return os::ErrnoStatus(errno, "cannot look at", path);
    const std::vector<uint32_t>& groups = account.ids.groups;
    const bool in_group = info.st_gid == account.ids.gid ||
                          std::find(groups.begin(), groups.end(), info.st_gid) != groups.end();
    const mode_t needed = info.st_uid == account.ids.uid ? S_IXUSR : in_group ? S_IXGRP : S_IXOTH;
    if ((info.st_mode & needed) != 0) continue;
    return absl::FailedPreconditionError(absl::StrFormat(
        "user '%s' of --run-as can't get to the work trees in '%s': '%s' has the mode %04o; "
        "allow it (chmod o+x '%s'), or choose another --state",
        account.name, dir, path, info.st_mode & 07777, path));
  }
  return absl::OkStatus();
}

}  // namespace grange::exec
