#include "coordinator/pipeline/file_reader.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/job_check.h"
#include "coordinator/pipeline/keyword.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/stage_list.h"

namespace grange::pipeline {
namespace {

bool IsHidden(absl::string_view name) { return absl::StartsWith(name, "."); }

// What a job takes over from `default`: each keyword that it has not set and is not told to leave.
class DefaultsTaker {
 public:
  DefaultsTaker(const JobDraft& defaults, JobDraft& job) : defaults_(defaults), job_(job) {}

  void TakeAll() {
    Take("before_script", &JobDraft::before_script);
    Take("after_script", &JobDraft::after_script);
    Take("artifacts", &JobDraft::artifacts);
    Take("interruptible", &JobDraft::interruptible);
    Take("retry", &JobDraft::retry);
    Take("tags", &JobDraft::tags);
    Take("image", &JobDraft::image);
    Take("services", &JobDraft::services);
    Take("cache", &JobDraft::caches);
    Take("hooks", &JobDraft::pre_get_sources_script);
    Take("id_tokens", &JobDraft::id_tokens);
    Take("identity", &JobDraft::identity);
  }

 private:
  template <typename T>
  void Take(absl::string_view keyword, std::optional<T> JobDraft::*field) {
    std::optional<T>& to = job_.*field;
    const std::optional<T>& from = defaults_.*field;
    const std::vector<std::string>& names = job_.inherit.defaults;
    const bool wanted =
        job_.inherit.all_defaults || std::find(names.begin(), names.end(), keyword) != names.end();
    if (to.has_value() || !from.has_value() || !wanted) return;
    if (job_.IsBridge() && !MayStandInBridge(keyword)) return;
    to = from;
    for (const KeywordUse& use : defaults_.later) {
      if (use.owner == keyword) job_.later.push_back(use);
    }
    for (const Origin& origin : defaults_.origins) {
      if (origin.keyword == keyword) job_.origins.push_back(origin);
    }
  }

  const JobDraft& defaults_;
  JobDraft& job_;
};

// One warning for each keyword of which the farm has to say something, at its first place.
void WarnOfUses(const std::vector<ParseContext::NotedUse>& uses, Problems& problems) {
  constexpr size_t kPlacesMax = 5;
  std::map<std::string, std::vector<const ParseContext::NotedUse*>> by_keyword;
  for (const ParseContext::NotedUse& noted : uses) {
    by_keyword[noted.use.keyword].push_back(&noted);
  }
  for (const auto& [keyword, all] : by_keyword) {
    const ParseContext::NotedUse& first = *all.front();
    const bool later = first.keyword->support == Support::kLater;
    std::string message =
        later ? absl::StrCat("'", keyword, "' is understood, but no job can be run with it yet: a ",
                             "submit of a pipeline that has it is refused")
              : absl::StrCat("'", keyword, "' has no effect here: ", first.keyword->note);
    for (size_t i = 1; i < all.size() && i <= kPlacesMax; ++i) {
      absl::StrAppend(&message, i == 1 ? " (also " : ", ", all[i]->use.place.Span().ToString());
    }
    if (all.size() > kPlacesMax + 1) absl::StrAppend(&message, ", …");
    if (all.size() > 1) message += ")";
    problems.Warning(first.use.place, std::move(message));
  }
}

class Reader {
 public:
  Reader(const config::Value& root, ParseContext& context) : root_(root), context_(context) {}

  void Run() {
    for (const config::Entry& entry : root_.entries) ReadGlobal(entry);
    CheckOldForms();
    // A job is large: it is not moved about while thousands are read.
    context_.file.jobs.reserve(std::min<size_t>(root_.entries.size(), kJobsMax));
    for (const config::Entry& entry : root_.entries) {
      if (FindKeyword(Section::kGlobal, entry.key) == nullptr && !IsHidden(entry.key)) {
        ReadJob(entry);
      }
    }
    context_.job = nullptr;
    WarnOfUses(context_.uses, context_.problems);
    if (jobs_seen_ == 0) {
      context_.Error(root_.place, "there is no visible job; add one, a map with a 'script'");
    }
  }

 private:
  void ReadGlobal(const config::Entry& entry) {
    const Keyword* keyword = FindKeyword(Section::kGlobal, entry.key);
    if (keyword == nullptr) return;
    context_.job = entry.key == "workflow" ? nullptr : &context_.file.defaults;
    context_.owner_keyword = entry.key;
    if (keyword->support == Support::kReserved) {
      context_.Error(entry.key_place,
                     absl::StrCat("'", entry.key, "' can't be the name of a job; rename it",
                                  entry.key == "types" ? ", or write 'stages'" : ""));
    } else if (context_.CheckKey(entry, Section::kGlobal) != nullptr && keyword->parse != nullptr) {
      if (entry.key != "default") NoteOrigin(context_.file.defaults, entry, true);
      keyword->parse(context_, entry);
    }
  }

  static void NoteOrigin(JobDraft& job, const config::Entry& entry, bool from_default) {
    if (entry.value->IsNull()) return;  // as if it were not there
    job.origins.push_back({entry.key, entry.key_place, from_default});
  }

  // A keyword at the top and in `default` too: GitLab refuses to choose.
  void CheckOldForms() {
    const config::Entry* defaults = root_.Find("default");
    if (defaults == nullptr || !defaults->value->IsMap()) return;
    for (const absl::string_view name :
         {"before_script", "after_script", "image", "services", "cache"}) {
      const config::Entry* top = root_.Find(name);
      if (top == nullptr || defaults->value->Find(name) == nullptr) continue;
      context_.Error(top->key_place, absl::StrCat("'", name, "' stands here and in 'default' too; ",
                                                  "keep the one in 'default'"));
    }
  }

  void ReadJob(const config::Entry& entry) {
    if (++jobs_seen_ > kJobsMax) {
      context_.job = nullptr;
      if (jobs_seen_ == kJobsMax + 1) {
        context_.Error(entry.key_place, absl::StrCat("there are more than ", kJobsMax, " jobs"));
      }
      return;
    }
    if (!entry.value->IsMap() || IsMisspeltGlobal(entry)) return ReportNoJob(entry);
    JobDraft& job = context_.file.jobs.emplace_back();
    job.name = entry.key;
    job.place = entry.key_place;
    context_.job = &job;
    for (const config::Entry& key : entry.value->entries) {
      context_.owner_keyword = key.key;
      const Keyword* keyword = context_.CheckKey(key, Section::kJob);
      if (keyword == nullptr) continue;
      NoteOrigin(job, key, false);
      keyword->parse(context_, key);
    }
    CheckName(job);
    CheckJob(job, context_);
    DefaultsTaker(context_.file.defaults, job).TakeAll();
  }

  // A map without any keyword of a job whose name is almost that of a global keyword.
  bool IsMisspeltGlobal(const config::Entry& entry) {
    for (const config::Entry& key : entry.value->entries) {
      if (FindKeyword(Section::kJob, key.key) != nullptr) return false;
    }
    if (entry.value->entries.empty() || !context_.problems.WantsSuggestion()) return false;
    return !context_.problems.DidYouMean(entry.key, KeywordNames(Section::kGlobal)).empty();
  }

  void ReportNoJob(const config::Entry& entry) {
    context_.job = nullptr;
    if (entry.value->IsNull()) {
      return context_.Error(entry.key_place,
                            absl::StrCat("job '", entry.key, "' is empty; it needs a 'script'"));
    }
    if (FindKeyword(Section::kJob, entry.key) != nullptr) {
      return context_.Error(
          entry.key_place,
          absl::StrCat("'", entry.key, "' belongs in a job, not ", "at the top of the file"));
    }
    std::string suggestion =
        context_.problems.DidYouMean(entry.key, KeywordNames(Section::kGlobal));
    if (suggestion.empty()) {
      suggestion =
          absl::StrCat("; a job is a map with a 'script', but this is ", entry.value->KindName());
    }
    context_.Error(entry.key_place, absl::StrCat("unknown keyword '", entry.key, "'", suggestion));
  }

  void CheckName(const JobDraft& job) {
    const size_t length = CharacterCount(job.name);
    if (length == 0) context_.Error(job.place, "a job has an empty name");
    if (length > kJobNameMax) {
      context_.Error(job.place, absl::StrCat("its name has ", length, " characters; the limit is ",
                                             kJobNameMax));
    } else if (length > kJobNameWithNeedsMax && job.needs.has_value()) {
      context_.Error(job.place, absl::StrCat("its name has ", length, " characters; the limit for ",
                                             "a job with 'needs' is ", kJobNameWithNeedsMax));
    }
    if (job.name == "pages") {
      context_.Warning(job.place, "it is an ordinary job here: nothing is published");
    }
  }

  const config::Value& root_;
  ParseContext& context_;
  size_t jobs_seen_ = 0;
};

}  // namespace

void ReadConfiguration(const config::Value& root, ParseContext& context) {
  Reader(root, context).Run();
}

}  // namespace grange::pipeline
