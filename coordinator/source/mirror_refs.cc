#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/random.h"
#include "coordinator/source/git_command.h"
#include "coordinator/source/mirror_impl.h"

// What GitMirrors changes: pins, and commits fetched from elsewhere.
namespace grange::source {
namespace {

constexpr size_t kUrlBytesMax = 2048;

std::string RefOf(absl::string_view ref_name, bool is_tag) {
  return absl::StrCat("refs/grange/", is_tag ? "tags/" : "heads/", ref_name);
}

// Refs that stand in the way of `ref`: git keeps a/b in a folder a, so that a and a/b cannot both
// be. The newer one wins; its commits stay by their own refs.
std::string DropConflicts(absl::string_view ref, absl::string_view existing) {
  std::string commands;
  for (const absl::string_view other : absl::StrSplit(existing, '\n', absl::SkipEmpty())) {
    if (absl::StartsWith(other, absl::StrCat(ref, "/")) ||
        absl::StartsWith(ref, absl::StrCat(other, "/"))) {
      absl::StrAppend(&commands, "delete ", other, "\n");
    }
  }
  return commands;
}

absl::Status UpdateRefs(const std::string& mirror, const std::string& commands) {
  return RunGit(mirror, {"update-ref", "--stdin"}, commands).status();
}

absl::Status SetRef(const std::string& mirror, const std::string& ref, absl::string_view sha) {
  const std::string commands = absl::StrCat(KeepCommit(sha), "update ", ref, " ", sha, "\n");
  const absl::Status first = UpdateRefs(mirror, commands);
  if (first.ok()) return first;
  GRANGE_ASSIGN_OR_RETURN(const std::string existing,
                          RunGit(mirror, {"for-each-ref", "--format=%(refname)",
                                          "refs/grange/heads/", "refs/grange/tags/"}));
  const std::string drop = DropConflicts(ref, existing);
  if (drop.empty()) return first;
  GRANGE_RETURN_IF_ERROR(UpdateRefs(mirror, drop));
  return UpdateRefs(mirror, commands);
}

// What a push brought lies below refs/grange/incoming until its commit is pinned.
void DropIncoming(const std::string& mirror, absl::string_view sha) {
  const absl::StatusOr<std::string> incoming =
      RunGit(mirror, {"for-each-ref", "--format=delete %(refname)",
                      absl::StrCat("--points-at=", sha), "refs/grange/incoming/"});
  // One that stays costs a few bytes, and the next pin of the commit tries again.
  if (incoming.ok() && !incoming->empty()) UpdateRefs(mirror, *incoming).IgnoreError();
}

absl::Status CheckUrl(absl::string_view url) {
  if (url.size() > kUrlBytesMax) return absl::InvalidArgumentError("the URL is too long");
  bool plain = !url.empty() && url[0] != '-';
  for (const char c : url) plain = plain && static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  bool allowed = false;
  for (const absl::string_view scheme : {"https://", "ssh://", "git://", "file:///"}) {
    allowed = allowed || absl::StartsWith(url, scheme);
  }
  if (plain && allowed) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", absl::CHexEscape(url.substr(0, 200)),
                   "' is no URL of a repository; it must begin with https://, ssh://, git:// or "
                   "file:///"));
}

// What `git ls-remote --symref` says.
struct Remote {
  std::string default_branch;                             // "" if HEAD is no branch
  std::vector<std::pair<std::string, std::string>> refs;  // name, SHA

  std::string ShaOf(absl::string_view name) const {
    for (const auto& [ref, sha] : refs) {
      if (ref == name) return sha;
    }
    return "";
  }
};

Remote ParseRemote(absl::string_view text) {
  Remote remote;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const size_t tab = line.find('\t');
    if (tab == absl::string_view::npos) continue;
    const std::string name(line.substr(tab + 1));
    absl::string_view value = line.substr(0, tab);
    if (!absl::ConsumePrefix(&value, "ref: ")) {
      remote.refs.emplace_back(name, value);
    } else if (name == "HEAD" && absl::ConsumePrefix(&value, "refs/heads/")) {
      remote.default_branch = std::string(value);
    }
  }
  return remote;
}

// What to ask the remote for.
struct Wanted {
  std::string source;  // a full ref name, or a SHA
  std::string ref_name;
  bool is_tag = false;
};

absl::StatusOr<Wanted> Choose(const Remote& remote, absl::string_view url, absl::string_view ref) {
  if (IsFullSha(ref)) {
    return Wanted{.source = std::string(ref), .ref_name = remote.default_branch, .is_tag = false};
  }
  if (ref.empty() || ref == "HEAD") {
    if (remote.default_branch.empty()) {
      return absl::NotFoundError(
          absl::StrCat("'", url, "' has no default branch; name one with --ref"));
    }
    return Wanted{.source = absl::StrCat("refs/heads/", remote.default_branch),
                  .ref_name = remote.default_branch,
                  .is_tag = false};
  }
  absl::string_view name = ref;
  const bool only_tag = absl::ConsumePrefix(&name, "refs/tags/");
  const bool only_branch = absl::ConsumePrefix(&name, "refs/heads/");
  const std::string branch = absl::StrCat("refs/heads/", name);
  const std::string tag = absl::StrCat("refs/tags/", name);
  if (!only_tag && !remote.ShaOf(branch).empty()) {
    return Wanted{.source = branch, .ref_name = std::string(name), .is_tag = false};
  }
  if (!only_branch && !remote.ShaOf(tag).empty()) {
    return Wanted{.source = tag, .ref_name = std::string(name), .is_tag = true};
  }
  return absl::NotFoundError(absl::StrCat("'", url, "' has no branch or tag '", name, "'"));
}

}  // namespace

std::string KeepCommit(absl::string_view sha) {
  return absl::StrCat("update refs/grange/commits/", sha, " ", sha, "\n");
}

absl::Status GitMirrors::Pin(ProjectId project, absl::string_view sha, absl::string_view ref_name,
                             bool is_tag) {
  GRANGE_RETURN_IF_ERROR(CheckRefName(ref_name));
  const std::string ref = RefOf(ref_name, is_tag);
  const std::string key = absl::StrCat(impl_->KeyOf(project), ref);
  if (impl_->pins.Find(key) == std::string(sha)) return absl::OkStatus();
  GRANGE_RETURN_IF_ERROR(ReadCommit(project, sha).status());
  GRANGE_ASSIGN_OR_RETURN(const std::string mirror, Ensure(project));
  GRANGE_RETURN_IF_ERROR(SetRef(mirror, ref, sha));
  impl_->pins.Put(key, std::string(sha), 1);
  DropIncoming(mirror, sha);
  return absl::OkStatus();
}

absl::StatusOr<GitMirrors::Fetched> GitMirrors::Fetch(ProjectId project, absl::string_view url,
                                                      absl::string_view ref) {
  GRANGE_RETURN_IF_ERROR(CheckUrl(url));
  if (!ref.empty() && !IsFullSha(ref)) GRANGE_RETURN_IF_ERROR(CheckRefName(ref));
  GRANGE_ASSIGN_OR_RETURN(const std::string mirror, Ensure(project));
  GRANGE_ASSIGN_OR_RETURN(
      const std::string listing,
      RunGit(mirror, {"ls-remote", "--symref", "--", std::string(url)}, {}, absl::Minutes(2)));
  const Remote remote = ParseRemote(listing);
  GRANGE_ASSIGN_OR_RETURN(const Wanted wanted, Choose(remote, url, ref));
  const std::string incoming =
      absl::StrCat("refs/grange/incoming/fetch-", absl::BytesToHexString(os::RandomBytes(8)));
  GRANGE_RETURN_IF_ERROR(
      RunGit(mirror,
             {"-c", "fetch.unpackLimit=1", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
              "--no-auto-gc", "--no-recurse-submodules", "--", std::string(url),
              absl::StrCat("+", wanted.source, ":", incoming)},
             {}, absl::Minutes(10))
          .status());
  // An annotated tag is an object of its own; its commit is what runs.
  GRANGE_ASSIGN_OR_RETURN(const std::string line,
                          RunGit(mirror, {"rev-parse", "--verify", "--quiet", "--end-of-options",
                                          absl::StrCat(incoming, "^{commit}")}));
  const std::string sha(absl::StripAsciiWhitespace(line));
  if (!IsFullSha(sha)) return absl::UnavailableError("git rev-parse gave no commit");
  GRANGE_RETURN_IF_ERROR(
      UpdateRefs(mirror, absl::StrCat(KeepCommit(sha), "delete ", incoming, "\n")));
  return Fetched{.sha = sha,
                 .ref_name = wanted.ref_name,
                 .is_tag = wanted.is_tag,
                 .default_branch = remote.default_branch};
}

}  // namespace grange::source
