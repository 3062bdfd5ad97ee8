#include "tools/ctl/watch_state.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "common/text/duration_text.h"
#include "tools/ctl/job_text.h"
#include "tools/ctl/terminal.h"
#include "tools/ctl/time_text.h"

namespace grange::ctl {
namespace {

constexpr size_t kTailBytesMax = 16 << 10;
constexpr size_t kNamedManualJobsMax = 3;

// When the job came into its state.
absl::Time ChangedAt(const v1::Job& job, absl::Time now) {
  int64_t at = 0;
  if (job.status() == "running") at = job.started_ms();
  if (job.status() == "pending") at = job.queued_ms();
  if (HasEnded(job.status())) at = job.finished_ms();
  return at == 0 ? now : absl::FromUnixMillis(at);
}

bool IsAway(const v1::Job& job) { return job.agent_unreachable_since_ms() != 0; }

bool IsNews(const v1::Job* before, const v1::Job& job) {
  if (job.status() == "created") return false;
  return before == nullptr || before->status() != job.status() ||
         before->attempt() != job.attempt() || before->agent() != job.agent() ||
         IsAway(*before) != IsAway(job) ||
         // What an agent does in between is for the live view; here each would be a line.
         (job.status() != "running" && before->note() != job.note());
}

std::string Details(const v1::Job& job, absl::Time now) {
  std::string text;
  const auto add = [&text](absl::string_view part) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", part);
  };
  if (job.status() == "running") {
    if (!job.agent().empty()) add(absl::StrCat("on ", job.agent()));
    if (const std::string note = NoteText(job); !note.empty()) add(note);
  } else if (job.status() == "pending") {
    text = NoteText(job);
  } else if (job.status() == "manual") {
    add(absl::StrCat("start it with 'grangectl play ", job.id(), "'"));
  } else if (HasEnded(job.status())) {
    if (job.started_ms() != 0) {
      add(text::FormatDuration(Elapsed(job.started_ms(), job.finished_ms(), now)));
    }
    if (job.has_coverage()) add(absl::StrCat("coverage ", CoverageText(job.coverage())));
    if (job.status() == "failed") add(FailureText(job));
  }
  if (text.empty()) text = job.detail();
  return text;
}

std::string JobLine(const v1::Job& job, absl::Time now) {
  const std::string details = Details(job, now);
  return Printable(absl::StrCat(ClockText(ChangedAt(job, now)), "  ", job.name(), "  ",
                                StatusText(job), details.empty() ? "" : "  ", details));
}

}  // namespace

std::vector<WatchState::Line> WatchState::Apply(const v1::WatchEvent& event, absl::Time now) {
  std::vector<Line> lines;
  if (event.has_pipeline()) {
    if (!known()) {
      const v1::Pipeline& p = event.pipeline();
      lines.push_back(
          {.text = Printable(absl::StrCat(
               ClockText(p.created_ms() == 0 ? now : absl::FromUnixMillis(p.created_ms())),
               "  pipeline ", p.id(), " of ", p.project(), ", ", p.is_tag() ? "tag " : "branch ",
               p.ref_name(), ", ", p.sha().substr(0, 8), " ", p.title()))});
    }
    pipeline_ = event.pipeline();
  }
  std::vector<const v1::Job*> changed;
  for (const v1::Job& job : event.jobs()) {
    const auto found = jobs_.find(job.id());
    const bool is_news = IsNews(found == jobs_.end() ? nullptr : &found->second, job);
    v1::Job& kept = jobs_[job.id()];
    // The end of a failed job's log stays in sight.
    const bool of_interest = job.status() == "running" || job.status() == "failed";
    if (kept.attempt() != job.attempt() || !of_interest) tails_.erase(job.id());
    kept = job;
    if (is_news) changed.push_back(&kept);
  }
  std::stable_sort(changed.begin(), changed.end(), [&](const v1::Job* a, const v1::Job* b) {
    return ChangedAt(*a, now) < ChangedAt(*b, now);
  });
  for (const v1::Job* job : changed) {
    lines.push_back(
        {.text = JobLine(*job, now),
         .failed_job = job->status() == "failed" && job->started_ms() != 0 ? job->id() : 0});
  }
  for (const v1::WatchEvent::Tail& tail : event.tails()) ApplyTail(tail);
  ended_ = event.ended();
  return lines;
}

// The bytes of a tail may repeat, or leave a gap behind, what was sent before.
void WatchState::ApplyTail(const v1::WatchEvent::Tail& tail) {
  TailBytes& kept = tails_[tail.job_id()];
  if (tail.offset() >= kept.offset && tail.offset() <= kept.offset + kept.bytes.size()) {
    kept.bytes.resize(tail.offset() - kept.offset);
    kept.bytes += tail.text();
  } else {
    kept.offset = tail.offset();
    kept.bytes = tail.text();
  }
  if (kept.bytes.size() > kTailBytesMax) {
    const size_t extra = kept.bytes.size() - kTailBytesMax;
    kept.bytes.erase(0, extra);
    kept.offset += extra;
  }
  tail_job_ = tail.job_id();
}

std::vector<const v1::Job*> WatchState::Jobs() const {
  std::vector<const v1::Job*> jobs;
  for (const auto& [id, job] : jobs_) jobs.push_back(&job);
  std::stable_sort(jobs.begin(), jobs.end(), [](const v1::Job* a, const v1::Job* b) {
    return std::make_tuple(a->stage_index(), a->id()) < std::make_tuple(b->stage_index(), b->id());
  });
  return jobs;
}

bool WatchState::AnythingRuns() const {
  return std::any_of(jobs_.begin(), jobs_.end(),
                     [](const auto& entry) { return entry.second.status() == "running"; });
}

int64_t WatchState::TailJob() const {
  if (tails_.count(tail_job_) != 0) return tail_job_;
  return tails_.empty() ? 0 : tails_.begin()->first;
}

const std::string& WatchState::Tail() const {
  static const std::string none;
  const auto found = tails_.find(TailJob());
  return found == tails_.end() ? none : found->second.bytes;
}

std::string WatchState::FirstFailure() const {
  const v1::Job* first = nullptr;
  for (const v1::Job* job : Jobs()) {
    if (job->status() != "failed" || job->allow_failure()) continue;
    if (first == nullptr || job->finished_ms() < first->finished_ms()) first = job;
  }
  if (first == nullptr) return "";
  return absl::StrCat("job '", first->name(), "' failed: ", FailureText(*first),
                      "; see 'grangectl logs ", first->id(), "'");
}

std::string WatchState::PlayCommands() const {
  std::string text;
  size_t count = 0;
  for (const v1::Job* job : Jobs()) {
    if (job->status() != "manual") continue;
    if (++count > kNamedManualJobsMax) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", "'grangectl play ", job->id(), "' starts '",
                    job->name(), "'");
  }
  if (count > kNamedManualJobsMax) absl::StrAppend(&text, ", …");
  return text;
}

std::string WatchState::Result(absl::Time now) const {
  const std::string& status = pipeline_.status();
  std::string text = absl::StrCat("pipeline ", pipeline_.id(), " ");
  const std::string failure = FirstFailure();
  if (status == "failed" || !failure.empty()) {
    absl::StrAppend(&text, "failed: ");
    if (!failure.empty()) {
      absl::StrAppend(&text, failure);
    } else if (!pipeline_.failure().empty()) {
      absl::StrAppend(&text, pipeline_.failure());
    } else if (!pipeline_.errors().empty()) {
      absl::StrAppend(&text, pipeline_.errors(0));
    } else {
      absl::StrAppend(&text, "see 'grangectl jobs ", pipeline_.id(), "'");
    }
    return Printable(text);
  }
  const std::string play = PlayCommands();
  if (!HasEnded(status)) {
    absl::StrAppend(&text, "waits for a person: ", play.empty() ? status : play);
    return Printable(text);
  }
  absl::StrAppend(&text, status);
  if (pipeline_.started_ms() != 0) {
    absl::StrAppend(
        &text, " in ",
        text::FormatDuration(Elapsed(pipeline_.started_ms(), pipeline_.finished_ms(), now)));
  }
  if (pipeline_.has_coverage()) {
    absl::StrAppend(&text, ", coverage ", CoverageText(pipeline_.coverage()));
  }
  if (status == "canceled") {
    absl::StrAppend(&text, "; run it again with 'grangectl retry ", pipeline_.id(), "'");
  } else if (!play.empty()) {
    absl::StrAppend(&text, "; ", play);
  }
  return Printable(text);
}

ExitCode WatchState::exit_code() const {
  if (pipeline_.status() == "failed" || pipeline_.status() == "canceled") return kExitFailed;
  return FirstFailure().empty() ? kExitDone : kExitFailed;
}

}  // namespace grange::ctl
