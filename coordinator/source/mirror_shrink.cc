#include <stdio.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"
#include "common/os/random.h"
#include "coordinator/source/git_command.h"
#include "coordinator/source/mirror_files.h"
#include "coordinator/source/mirror_impl.h"

// What GitMirrors takes away. First the refs that nobody wants, while nobody relies on the mirror.
// Then all objects that the remaining refs need are written into one new pack, which takes long and
// holds nobody up; and again while nobody relies on the mirror what came in the meantime is added,
// and the packs go that were there before. So every object that a ref needs is there at each
// moment.
namespace grange::source {
namespace {

using ShrinkOrder = GitMirrors::ShrinkOrder;
using Shrunk = GitMirrors::Shrunk;

constexpr absl::string_view kIncoming = "refs/grange/incoming/";
constexpr absl::string_view kRemoved = ".old";
constexpr absl::string_view kNew = ".new";  // git_mirror.cc
// Between a push and the submit of its commit, and for who tries again.
constexpr absl::Duration kIncomingKept = absl::Hours(24);
// Before any work is done that would be in vain.
constexpr absl::Duration kLookPatience = absl::Seconds(2);
// Each push brings a pack, and git looks for an object in all of them.
constexpr size_t kPacksMax = 50;
constexpr size_t kPacksMaxThorough = 10;
constexpr uint64_t kPartWorthIt = 20;  // a twentieth
constexpr uint64_t kFreeWanted = 64 << 20;

struct Ref {
  std::string name, sha;
};
using Refs = std::vector<Ref>;

absl::StatusOr<Refs> ListRefs(const std::string& mirror) {
  GRANGE_ASSIGN_OR_RETURN(
      const std::string text,
      RunGit(mirror, {"for-each-ref", "--format=%(objectname) %(refname)", "refs/"}));
  Refs refs;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const size_t blank = line.find(' ');
    if (blank == absl::string_view::npos) continue;
    refs.push_back(
        {.name = std::string(line.substr(blank + 1)), .sha = std::string(line.substr(0, blank))});
  }
  return refs;
}

std::set<std::string> ShasOf(const Refs& refs) {
  std::set<std::string> shas;
  for (const Ref& ref : refs) shas.insert(ref.sha);
  return shas;
}

// For git's --stdin and --revs: what `wanted` leads to and `without` does not.
std::string Range(const std::set<std::string>& wanted, const std::set<std::string>& without) {
  std::string text;
  for (const std::string& sha : wanted) absl::StrAppend(&text, sha, "\n");
  for (const std::string& sha : without) absl::StrAppend(&text, "^", sha, "\n");
  return text;
}

class Shrinker {
 public:
  // `forget`: of the mirror something was taken away; `gone`: all of it.
  Shrinker(MirrorGate& gate, ProjectId project, std::string mirror, const ShrinkOrder& order,
           std::function<void()> forget, std::function<void()> gone)
      : gate_(gate),
        project_(project),
        mirror_(std::move(mirror)),
        order_(order),
        forget_(std::move(forget)),
        gone_(std::move(gone)) {}

  absl::StatusOr<Shrunk> Run() {
    if (!os::Exists(mirror_ + "/HEAD")) return shrunk_;
    before_ = shrunk_.left = FolderBytes(mirror_);
    if (order_.dry_run) {
      GRANGE_ASSIGN_OR_RETURN(const Plan plan, Look());
      Count(plan);
      if (plan.stay.empty() && !plan.go.empty()) {
        shrunk_.bytes = before_;
      } else {
        shrunk_.bytes = BytesOf(plan).value_or(0);  // for display
      }
      return shrunk_;
    }
    Plan plan;
    {
      const MirrorGate::Closed closed(gate_, project_, std::min(order_.patience, kLookPatience));
      if (!closed.ok()) return InUse();
      GRANGE_ASSIGN_OR_RETURN(plan, Look());
      GRANGE_RETURN_IF_ERROR(TakeRefsAway(plan));
    }
    Count(plan);
    if (!aside_.empty()) {
      shrunk_.rest = os::RemoveTree(aside_);
    } else {
      shrunk_.rest = TakeObjectsAway(plan);
    }
    if (!smaller_) return shrunk_;
    shrunk_.left = FolderBytes(mirror_);
    shrunk_.bytes = before_ - std::min(before_, shrunk_.left);
    return shrunk_;
  }

 private:
  struct Plan {
    Refs go, stay;
    UnwantedRefs unwanted;  // of those that stay for their age
    absl::Time oldest = absl::InfiniteFuture();
    absl::Time next = absl::InfiniteFuture();
  };

  absl::StatusOr<Plan> Look() const {
    GRANGE_ASSIGN_OR_RETURN(const std::set<std::string> wanted, order_.wanted());
    GRANGE_ASSIGN_OR_RETURN(Refs refs, ListRefs(mirror_));
    const UnwantedRefs known = ReadUnwanted(mirror_);
    Plan plan;
    for (Ref& ref : refs) {
      if (wanted.contains(ref.sha)) {
        plan.stay.push_back(std::move(ref));
        continue;
      }
      const std::string key = absl::StrCat(ref.sha, " ", ref.name);
      const auto noted = known.find(key);
      const absl::Time since =
          noted == known.end() ? order_.now : std::min(noted->second, order_.now);
      const bool pushed = absl::StartsWith(ref.name, kIncoming);
      const absl::Time due = since + (pushed ? std::max(order_.keep, kIncomingKept) : order_.keep);
      if (due <= order_.now) {
        plan.oldest = std::min(plan.oldest, since);
        plan.go.push_back(std::move(ref));
      } else {
        plan.next = std::min(plan.next, due);
        plan.unwanted[key] = since;
        plan.stay.push_back(std::move(ref));
      }
    }
    return plan;
  }

  void Count(const Plan& plan) {
    const std::set<std::string> stay = ShasOf(plan.stay);
    for (const std::string& sha : ShasOf(plan.go)) shrunk_.commits += stay.contains(sha) ? 0 : 1;
    shrunk_.oldest = plan.oldest;
    shrunk_.next = plan.next;
  }

  // About what only the refs have that go.
  absl::StatusOr<uint64_t> BytesOf(const Plan& plan) const {
    if (plan.go.empty()) return 0;
    GRANGE_ASSIGN_OR_RETURN(
        const std::string text,
        RunGitWhile(mirror_, {"rev-list", "--objects", "--disk-usage", "--stdin"},
                    Range(ShasOf(plan.go), ShasOf(plan.stay)), order_.go_on));
    uint64_t bytes = 0;
    if (absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &bytes)) return bytes;
    return absl::UnavailableError("git rev-list gave no number");
  }

  // While nobody relies on the mirror.
  absl::Status TakeRefsAway(const Plan& plan) {
    if (plan.unwanted != ReadUnwanted(mirror_)) {
      GRANGE_RETURN_IF_ERROR(WriteUnwanted(mirror_, plan.unwanted));
    }
    if (plan.stay.empty() && (!plan.go.empty() || !PacksOf(mirror_).empty())) return PutAside();
    if (plan.go.empty()) return absl::OkStatus();
    // If we don't get as far as to the objects, the next time does.
    known_garbage_ = ReadGarbage(mirror_);
    GRANGE_RETURN_IF_ERROR(WriteGarbage(mirror_, before_ + 1));
    GRANGE_RETURN_IF_ERROR(ClearMirror(mirror_));
    std::string commands;
    for (const Ref& ref : plan.go)
      absl::StrAppend(&commands, "delete ", ref.name, " ", ref.sha, "\n");
    forget_();  // also if it fails half way
    GRANGE_RETURN_IF_ERROR(RunGit(mirror_, {"update-ref", "--stdin"}, commands).status());
    return RunGit(mirror_, {"pack-refs", "--all", "--prune"}).status();
  }

  absl::Status PutAside() {
    const std::string aside =
        absl::StrCat(mirror_, ".", absl::BytesToHexString(os::RandomBytes(8)), kRemoved);
    gone_();
    if (::rename(mirror_.c_str(), aside.c_str()) != 0) {
      return os::ErrnoStatus(errno, "cannot put aside", mirror_);
    }
    aside_ = aside;
    smaller_ = true;
    return os::SyncDir(mirror_.substr(0, mirror_.rfind('/')));
  }

  absl::Status TakeObjectsAway(const Plan& plan) {
    if (!plan.go.empty()) {
      const absl::StatusOr<uint64_t> bytes = BytesOf(plan);
      if (bytes.ok()) GRANGE_RETURN_IF_ERROR(WriteGarbage(mirror_, known_garbage_ + *bytes));
    }
    const uint64_t garbage = ReadGarbage(mirror_);
    const size_t packs = PacksOf(mirror_).size();
    const bool worth_it = garbage > 0 && (order_.thorough || garbage >= before_ / kPartWorthIt);
    if (!worth_it && packs <= (order_.thorough ? kPacksMaxThorough : kPacksMax)) {
      return absl::OkStatus();
    }
    GRANGE_ASSIGN_OR_RETURN(const uint64_t free, os::FreeBytes(mirror_));
    if (free < before_ + kFreeWanted) {
      return absl::ResourceExhaustedError(
          absl::StrCat("what stays of '", mirror_, "' has to be written anew, for which ",
                       before_ + kFreeWanted, " bytes must be free and only ", free, " are"));
    }
    return Rewrite();
  }

  absl::Status Rewrite() {
    const std::vector<std::string> before = PacksOf(mirror_);
    GRANGE_ASSIGN_OR_RETURN(const Refs refs, ListRefs(mirror_));
    const std::set<std::string> packed = ShasOf(refs);
    std::set<std::string> new_packs;
    GRANGE_RETURN_IF_ERROR(Pack(packed, {}, new_packs));

    const MirrorGate::Closed closed(gate_, project_, order_.patience);
    if (!closed.ok()) return InUseStatus();
    GRANGE_ASSIGN_OR_RETURN(const Refs refs_now, ListRefs(mirror_));
    std::set<std::string> added;
    for (const Ref& ref : refs_now) {
      if (!packed.contains(ref.sha)) added.insert(ref.sha);
    }
    if (!added.empty()) GRANGE_RETURN_IF_ERROR(Pack(added, packed, new_packs));
    GRANGE_RETURN_IF_ERROR(os::SyncDir(mirror_ + "/objects/pack"));
    if (HasLooseObjects(mirror_)) {
      GRANGE_RETURN_IF_ERROR(RunGit(mirror_, {"prune-packed", "--quiet"}).status());
      GRANGE_RETURN_IF_ERROR(RunGit(mirror_, {"prune", "--expire=now"}).status());
    }
    std::vector<std::string> doomed;
    for (const std::string& pack : before) {
      if (!new_packs.contains(pack)) doomed.push_back(pack);
    }
    smaller_ = true;
    const absl::Status removed = RemovePacks(mirror_, doomed);
    forget_();
    GRANGE_RETURN_IF_ERROR(removed);
    return WriteGarbage(mirror_, 0);
  }

  // Adds the name of the new pack to `names`; none if there is nothing to pack.
  absl::Status Pack(const std::set<std::string>& wanted, const std::set<std::string>& without,
                    std::set<std::string>& names) const {
    GRANGE_ASSIGN_OR_RETURN(const std::string text,
                            RunGitWhile(mirror_,
                                        {"-c", "pack.threads=1", "pack-objects", "--revs", "-q",
                                         "--non-empty", "--delta-base-offset", "objects/pack/pack"},
                                        Range(wanted, without), order_.go_on));
    for (const absl::string_view hash : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      names.insert(absl::StrCat("pack-", hash));
    }
    return absl::OkStatus();
  }

  static absl::Status InUseStatus() {
    return absl::UnavailableError("somebody used it all the time: a submit, a push or a backup");
  }
  Shrunk InUse() {
    shrunk_.rest = InUseStatus();
    return shrunk_;
  }

  MirrorGate& gate_;
  const ProjectId project_;
  const std::string mirror_;
  const ShrinkOrder& order_;
  const std::function<void()> forget_, gone_;
  Shrunk shrunk_;
  uint64_t before_ = 0;
  uint64_t known_garbage_ = 0;
  bool smaller_ = false;
  std::string aside_;  // where the mirror is if all of it goes
};

}  // namespace

MirrorGate::Use GitMirrors::Hold(ProjectId project) {
  return MirrorGate::Use(impl_->gate, project);
}

MirrorGate::Use GitMirrors::HoldAll() { return MirrorGate::Use(impl_->gate, ProjectId()); }

absl::StatusOr<GitMirrors::Shrunk> GitMirrors::Shrink(ProjectId project, const ShrinkOrder& order) {
  Impl& impl = *impl_;
  return Shrinker(
             impl.gate, project, impl.PathOf(project), order,
             [&impl, project] { impl.Forget(project); },
             [&impl, project] {
               impl.Forget(project);
               base::MutexLock lock(impl.mu);
               impl.ready.erase(project);
             })
      .Run();
}

std::vector<ProjectId> GitMirrors::OnDisk() {
  std::vector<ProjectId> projects;
  for (const std::string& name : os::ListDir(impl_->dir).value_or(std::vector<std::string>())) {
    absl::string_view number = name;
    int64_t id = 0;
    if (absl::ConsumeSuffix(&number, ".git") && absl::SimpleAtoi(number, &id) && id > 0) {
      projects.emplace_back(id);
    }
  }
  std::sort(projects.begin(), projects.end());
  return projects;
}

uint64_t GitMirrors::BytesOf(ProjectId project) { return FolderBytes(impl_->PathOf(project)); }

absl::Status GitMirrors::ClearLeftovers() {
  if (!os::Exists(impl_->dir)) return absl::OkStatus();
  GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> names, os::ListDir(impl_->dir));
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, kRemoved) && !absl::EndsWith(name, kNew)) continue;
    GRANGE_RETURN_IF_ERROR(os::RemoveTree(os::JoinPath(impl_->dir, name)));
  }
  for (const ProjectId project : OnDisk()) {
    // The others work all the same.
    const absl::Status cleared = ClearMirror(impl_->PathOf(project));
    if (!cleared.ok()) {
      log::Warning("mirror_not_cleared", {{"project", project}, {"error", cleared}});
    }
  }
  return absl::OkStatus();
}

}  // namespace grange::source
