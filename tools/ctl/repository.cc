#include "tools/ctl/repository.h"

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/text/edit_distance.h"

namespace grange::ctl {
namespace {

constexpr absl::Duration kGitTimeout = absl::Minutes(10);  // `add -A` of a large tree
constexpr size_t kRefsForSuggestionMax = 1000;
constexpr size_t kShortSha = 12;

// Set by git when it calls a hook; they would point git at another repository than `-C` does.
constexpr const char* kHookVariables[] = {
    "GIT_DIR=",        "GIT_WORK_TREE=", "GIT_INDEX_FILE=", "GIT_PREFIX=", "GIT_OBJECT_DIRECTORY=",
    "GIT_COMMON_DIR=", "LC_ALL=",        "LANGUAGE="};

std::vector<std::string> GitEnvironment(
    const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> environment;
  for (std::string& variable : os::CurrentEnvironment()) {
    const bool dropped =
        std::any_of(std::begin(kHookVariables), std::end(kHookVariables),
                    [&](const char* prefix) { return absl::StartsWith(variable, prefix); });
    if (!dropped) environment.push_back(std::move(variable));
  }
  environment.push_back("LC_ALL=C");
  environment.push_back("GIT_TERMINAL_PROMPT=0");
  for (const auto& [name, value] : added) environment.push_back(absl::StrCat(name, "=", value));
  return environment;
}

absl::StatusOr<os::RunResult> RunGit(
    const std::string& dir, std::vector<std::string> args,
    const std::vector<std::pair<std::string, std::string>>& environment = {}) {
  os::ChildOptions options;
  options.argv = {"git", "-C", dir};
  options.argv.insert(options.argv.end(), std::make_move_iterator(args.begin()),
                      std::make_move_iterator(args.end()));
  options.env = GitEnvironment(environment);
  options.new_group = false;  // Ctrl-C reaches git as well
  absl::StatusOr<os::RunResult> result = os::Run(std::move(options), {}, kGitTimeout);
  if (absl::IsNotFound(result.status())) {
    return absl::FailedPreconditionError("git is not installed; run: apt-get install git");
  }
  return result;
}

std::string LastPart(absl::string_view path) {
  path = absl::StripSuffix(path, "/");
  const size_t slash = path.find_last_of("/:");
  if (slash != absl::string_view::npos) path.remove_prefix(slash + 1);
  return std::string(absl::StripSuffix(path, ".git"));
}

}  // namespace

absl::StatusOr<Repository> Repository::Open(const std::string& dir) {
  if (!os::Exists(dir)) {
    return absl::NotFoundError(absl::StrCat("there is no directory '", dir, "'"));
  }
  GRANGE_ASSIGN_OR_RETURN(
      const os::RunResult result,
      RunGit(dir, {"rev-parse", "--is-bare-repository", "--absolute-git-dir", "--show-toplevel"}));
  const std::vector<std::string> lines = absl::StrSplit(result.out, '\n', absl::SkipEmpty());
  if (result.status.ok() && lines.size() == 3) return Repository(lines[2], false);
  // In a bare repository --show-toplevel fails, after the others were answered.
  if (lines.size() >= 2 && lines[0] == "true") return Repository(lines[1], true);
  if (absl::StrContains(result.err, "not a git repository")) {
    return absl::NotFoundError(
        absl::StrCat("'", dir, "' is not in a git repository; run 'git init' and commit there, or ",
                     "name another directory"));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("can't use the repository at '", dir, "': ", GitReason(result.err)));
}

std::string Repository::Name() const {
  const std::string name = LastPart(root_);
  return name.empty() || name[0] == '.' ? LastPart(root_.substr(0, root_.rfind('/'))) : name;
}

std::string Repository::CurrentBranch() const {
  return Output({"symbolic-ref", "--short", "--quiet", "HEAD"}).value_or("");
}

std::string Repository::DefaultBranch() const {
  constexpr char kOriginHead[] = "refs/remotes/origin/HEAD";
  const absl::StatusOr<std::string> refs =
      Output({"for-each-ref", "--format=%(refname) %(symref)", kOriginHead, "refs/heads/main",
              "refs/heads/master"});
  std::string branch;  // for-each-ref sorts by name: heads before remotes, main before master
  for (const absl::string_view line : absl::StrSplit(refs.value_or(""), '\n')) {
    const std::pair<absl::string_view, absl::string_view> ref =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    if (ref.first == kOriginHead) {
      return std::string(absl::StripPrefix(ref.second, "refs/remotes/origin/"));
    }
    if (branch.empty()) branch = std::string(absl::StripPrefix(ref.first, "refs/heads/"));
  }
  return branch;
}

std::string Repository::HeadSha() const { return Commit("HEAD").value_or(""); }

std::string Repository::Show(const std::string& sha, const std::string& format) const {
  return Output({"log", "-1", absl::StrCat("--format=", format), sha, "--"}).value_or("");
}

absl::StatusOr<Repository::Ref> Repository::Resolve(const std::string& name) const {
  if (name.empty()) return ResolveHead();
  struct Kind {
    const char* prefix;
    bool is_tag;
  };
  for (const Kind& kind : {Kind{"refs/heads/", false}, Kind{"refs/tags/", true},
                           Kind{"refs/remotes/origin/", false}}) {
    const std::string bare(absl::StripPrefix(name, kind.prefix));
    if (absl::StartsWith(bare, "refs/")) continue;  // the full name of another kind
    if (const std::optional<std::string> sha = Commit(absl::StrCat(kind.prefix, bare))) {
      return Ref{.sha = *sha, .name = bare, .is_tag = kind.is_tag};
    }
  }
  return NoSuchRef(name);
}

absl::StatusOr<Repository::Ref> Repository::ResolveHead() const {
  // One process answers both: a submit should not wait for git more often than it must.
  const absl::StatusOr<std::string> answer =
      Output({"rev-parse", "HEAD^{commit}", "--symbolic-full-name", "HEAD"});
  if (!answer.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the repository '", root_, "' has no commit yet; run: git commit"));
  }
  const std::pair<std::string, std::string> head = absl::StrSplit(*answer, '\n');
  if (!absl::StartsWith(head.second, "refs/heads/")) {
    return absl::FailedPreconditionError(
        absl::StrCat("no branch is checked out in '", root_, "' (HEAD is at ",
                     head.first.substr(0, kShortSha), "); name a branch or tag with --ref"));
  }
  return Ref{.sha = head.first, .name = std::string(absl::StripPrefix(head.second, "refs/heads/"))};
}

absl::Status Repository::NoSuchRef(const std::string& name) const {
  if (const std::optional<std::string> sha = Commit(name)) {
    return absl::NotFoundError(absl::StrCat("'", name, "' is a commit, and a pipeline runs for a ",
                                            "branch or tag; run: git branch NAME ", name));
  }
  const absl::StatusOr<std::string> refs =
      Output({"for-each-ref", absl::StrCat("--count=", kRefsForSuggestionMax),
              "--format=%(refname:lstrip=2)", "refs/heads", "refs/tags"});
  const std::vector<std::string> names = absl::StrSplit(refs.value_or(""), '\n', absl::SkipEmpty());
  const std::string hint = text::DidYouMean(name, names);
  return absl::NotFoundError(
      absl::StrCat("there is no branch or tag '", name, "' in '", root_, "'",
                   hint.empty() ? "; 'git branch' and 'git tag' list them" : hint));
}

bool Repository::HasFile(const std::string& sha, const std::string& path) const {
  const absl::StatusOr<os::RunResult> result =
      Git({"cat-file", "-e", absl::StrCat(sha, ":", path)});
  return result.ok() && result->status.ok();
}

absl::StatusOr<std::string> Repository::CommitWorkTree() const {
  if (bare_) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", root_, "' is a bare repository: it has no work tree for --dirty"));
  }
  GRANGE_ASSIGN_OR_RETURN(const std::string dir, os::MakeTempDir("grangectl"));
  const auto cleanup = absl::MakeCleanup([&dir] { os::RemoveTree(dir).IgnoreError(); });
  const std::string index = os::JoinPath(dir, "index");
  // A copy of the index knows which files have not changed, so that only the others are read.
  GRANGE_ASSIGN_OR_RETURN(const std::string own_index,
                          Output({"rev-parse", "--path-format=absolute", "--git-path", "index"}));
  if (const absl::StatusOr<std::string> bytes = os::ReadFile(own_index, 1 << 30); bytes.ok()) {
    GRANGE_RETURN_IF_ERROR(os::WriteFile(index, *bytes));
  }
  const std::vector<std::pair<std::string, std::string>> with_index = {{"GIT_INDEX_FILE", index}};
  GRANGE_RETURN_IF_ERROR(Output({"-c", "core.splitIndex=false", "-c", "core.fsmonitor=false", "add",
                                 "--all", "--", "."},
                                with_index)
                             .status());
  GRANGE_ASSIGN_OR_RETURN(const std::string tree, Output({"write-tree"}, with_index));

  const std::string head = HeadSha();
  if (!head.empty() && Output({"rev-parse", absl::StrCat(head, "^{tree}")}).value_or("") == tree) {
    return head;
  }
  std::vector<std::string> args = {
      "commit-tree", tree, "-m",
      head.empty() ? "uncommitted changes"
                   : absl::StrCat("uncommitted changes on: ", Show(head, "%s"))};
  std::vector<std::pair<std::string, std::string>> who;
  if (!head.empty()) {
    args.insert(args.end(), {"-p", head});
    // HEAD's time, so that a repeated submit of the same content names the same commit.
    const std::string date = Show(head, "%ct +0000");
    who.insert(who.end(), {{"GIT_AUTHOR_DATE", date}, {"GIT_COMMITTER_DATE", date}});
  }
  if (Output({"config", "user.email"}).value_or("").empty()) {
    who.insert(who.end(), {{"GIT_AUTHOR_NAME", "grangectl"},
                           {"GIT_AUTHOR_EMAIL", "grangectl@localhost"},
                           {"GIT_COMMITTER_NAME", "grangectl"},
                           {"GIT_COMMITTER_EMAIL", "grangectl@localhost"}});
  }
  return Output(std::move(args), who);
}

absl::StatusOr<os::RunResult> Repository::Git(
    std::vector<std::string> args,
    const std::vector<std::pair<std::string, std::string>>& environment) const {
  return RunGit(root_, std::move(args), environment);
}

absl::StatusOr<os::Child> Repository::StartGit(std::vector<std::string> args, int stderr_fd,
                                               std::vector<std::pair<int, int>> inherit) const {
  os::ChildOptions options;
  options.argv = {"git", "-C", root_};
  options.argv.insert(options.argv.end(), std::make_move_iterator(args.begin()),
                      std::make_move_iterator(args.end()));
  options.env = GitEnvironment({});
  options.stderr_fd = stderr_fd;
  options.inherit = std::move(inherit);
  return os::Child::Start(options);
}

absl::StatusOr<std::string> Repository::Output(
    std::vector<std::string> args,
    const std::vector<std::pair<std::string, std::string>>& environment) const {
  const std::string command = args[0] == "-c" ? "add" : args[0];
  GRANGE_ASSIGN_OR_RETURN(const os::RunResult result, Git(std::move(args), environment));
  if (!result.status.ok()) {
    return absl::InternalError(
        absl::StrCat("git ", command, " failed in '", root_, "': ", GitReason(result.err)));
  }
  return std::string(absl::StripTrailingAsciiWhitespace(result.out));
}

std::optional<std::string> Repository::Commit(const std::string& revision) const {
  const absl::StatusOr<std::string> sha =
      Output({"rev-parse", "--verify", "--quiet", "--end-of-options",
              absl::StrCat(revision, "^{commit}")});
  return sha.ok() ? std::optional<std::string>(*sha) : std::nullopt;
}

std::string ProjectNameOf(const std::string& dir) {
  const absl::StatusOr<Repository> repository = Repository::Open(dir);
  if (repository.ok()) return repository->Name();
  return LastPart(os::RealPath(dir).value_or(dir));
}

bool IsUrl(absl::string_view text) {
  if (absl::StrContains(text, "://")) return true;
  // "user@host:path", but not "./odd:name" or an existing path.
  const size_t colon = text.find(':');
  return colon != absl::string_view::npos && colon > 0 &&
         text.substr(0, colon).find('/') == absl::string_view::npos &&
         !os::Exists(std::string(text));
}

std::string ProjectNameOfUrl(absl::string_view url) { return LastPart(url); }

std::string GitReason(absl::string_view stderr_text) {
  std::string reason = "git said nothing";
  for (absl::string_view line : absl::StrSplit(stderr_text, '\n', absl::SkipWhitespace())) {
    line = absl::StripAsciiWhitespace(line);
    if (absl::StartsWith(line, "hint:")) continue;
    for (const char* prefix : {"fatal:", "error:", "remote:"}) {
      if (absl::ConsumePrefix(&line, prefix)) line = absl::StripAsciiWhitespace(line);
    }
    if (!line.empty()) reason = std::string(line);
    if (absl::StrContains(line, "rejected") || absl::StrContains(line, "dubious")) break;
  }
  return reason;
}

}  // namespace grange::ctl
