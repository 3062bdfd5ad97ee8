#include "coordinator/pipeline/job_check.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"

namespace grange::pipeline {
namespace {

constexpr std::array<absl::string_view, 15> kBridgeKeywords = {
    "allow_failure", "environment", "except",  "extends",   "inherit",
    "interruptible", "needs",       "only",    "parallel",  "resource_group",
    "rules",         "stage",       "trigger", "variables", "when"};

void CheckRunsSomething(const JobDraft& job, ParseContext& context) {
  if (job.IsBridge()) return;
  if (!job.script.has_value() && !job.run.has_value() && !job.broken) {
    context.Error(job.place, "it has no 'script'; add the commands that it runs");
  }
  if (!job.run.has_value()) return;
  for (const Origin& origin : job.origins) {
    if (origin.keyword == "script") {
      context.Error(origin.place, "a job has either 'script' or 'run'; keep one of them");
    } else if (origin.keyword == "before_script") {
      context.Warning(origin.place, "'before_script' has no effect beside 'run'; make it a step");
    }
  }
}

void CheckBridge(const JobDraft& job, ParseContext& context) {
  const absl::string_view owner =
      job.trigger.has_value() ? "'trigger'" : "'needs:pipeline' without 'job'";
  for (const Origin& origin : job.origins) {
    if (MayStandInBridge(origin.keyword)) continue;
    context.Error(origin.place, absl::StrCat("'", origin.keyword, "' can't stand beside ", owner,
                                             ": no agent runs such a job; remove one of the two"));
  }
  if (!job.trigger.has_value()) return;
  for (const ExternalNeedDraft& need : job.external_needs) {
    if (need.need.job.empty()) continue;
    context.Error(need.place,
                  "a job with 'trigger' has no use of another pipeline's artifacts; "
                  "remove the need");
  }
}

// `incomplete`: something may be missing because it was reported.
void CheckTiming(const JobDraft& job, bool incomplete, ParseContext& context) {
  if (job.rules.has_value()) {
    const auto refuse = [&](const config::Place& place, absl::string_view keyword) {
      context.Error(place, absl::StrCat("'", keyword, "' can't stand beside 'rules'; put it in ",
                                        "the rules"));
    };
    if (job.only.has_value()) refuse(job.only->place, "only");
    if (job.except.has_value()) refuse(job.except->place, "except");
    if (job.start_in.has_value()) refuse(job.start_in_place, "start_in");
    if (job.when == lifecycle::When::kDelayed) refuse(job.when_place, "when: delayed");
    return;
  }
  if (job.when == lifecycle::When::kDelayed && !job.start_in.has_value() && !incomplete) {
    context.Error(job.when_place, "'when: delayed' needs 'start_in', such as 'start_in: 10 min'");
  }
  if (job.when != lifecycle::When::kDelayed && job.start_in.has_value()) {
    context.Error(job.start_in_place, "'start_in' needs 'when: delayed'");
  }
}

}  // namespace

void CheckJob(const JobDraft& job, ParseContext& context) {
  const bool incomplete = job.broken;  // before the errors that are found here
  CheckRunsSomething(job, context);
  if (job.IsBridge()) CheckBridge(job, context);
  CheckTiming(job, incomplete, context);
}

bool MayStandInBridge(absl::string_view keyword) {
  return std::find(kBridgeKeywords.begin(), kBridgeKeywords.end(), keyword) !=
         kBridgeKeywords.end();
}

}  // namespace grange::pipeline
