#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/text/duration_text.h"
#include "coordinator/pipeline/keyword_parsers.h"
#include "coordinator/pipeline/limits.h"

namespace grange::pipeline {
namespace {

using lifecycle::FailureReason;

// All reasons: what `runner_system_failure` stands for is asked of each.
constexpr std::array<FailureReason, 14> kFailureReasons = {
    FailureReason::kScriptFailure,  FailureReason::kTimeout,       FailureReason::kCanceled,
    FailureReason::kAgentLost,      FailureReason::kAgentForgot,   FailureReason::kAgentCrash,
    FailureReason::kHostRestart,    FailureReason::kLeaseLost,     FailureReason::kAgentDiskFull,
    FailureReason::kSupervisorDied, FailureReason::kSourcesFailed, FailureReason::kArtifactsFailed,
    FailureReason::kPrepareFailed,  FailureReason::kTraceLimit};

// Words of GitLab for what can't happen here: accepted, and never the reason of a retry.
constexpr std::array<absl::string_view, 19> kForeignReasons = {
    "unknown_failure",
    "api_failure",
    "stuck_or_timeout_failure",
    "runner_unsupported",
    "stale_schedule",
    "archived_failure",
    "unmet_prerequisites",
    "scheduler_failure",
    "data_integrity_failure",
    "stuck_pending_with_matching_runners",
    "stuck_pending_no_matching_runners",
    "no_updates_running",
    "no_updates_canceling",
    "runner_configuration_error",
    "runner_external_dependency_failure",
    "runner_interrupted",
    "server_timeout_running",
    "server_timeout_canceling",
    "job_router_failure"};

struct RetryReasons {
  bool always = false;
  bool wrong = false;  // an error was reported
  std::vector<FailureReason> reasons;
};

void AddReason(ParseContext& context, const config::Value& value, RetryReasons& result) {
  if (!value.IsScalar()) {
    result.wrong = true;
    return context.WrongType(value, "retry:when", "names of reasons");
  }
  const std::string& word = value.text;
  if (word == "always") {
    result.always = true;
    return;
  }
  const absl::StatusOr<FailureReason> own = lifecycle::ParseFailureReason(word);
  bool known = false;
  for (const FailureReason reason : kFailureReasons) {
    const bool meant = word == "runner_system_failure" ? lifecycle::IsSystemFailure(reason)
                                                       : own.ok() && *own == reason;
    if (meant) result.reasons.push_back(reason);
    known = known || meant;
  }
  if (known) return;
  if (std::find(kForeignReasons.begin(), kForeignReasons.end(), word) != kForeignReasons.end()) {
    return;
  }
  result.wrong = true;
  std::vector<std::string> candidates = {"always", "runner_system_failure"};
  for (const FailureReason reason : kFailureReasons) {
    candidates.emplace_back(lifecycle::FailureReasonName(reason));
  }
  context.Error(value.place, absl::StrCat("'retry:when' doesn't know the reason '", word, "'",
                                          context.problems.DidYouMean(word, candidates)));
}

std::optional<int> ReadRetryMax(ParseContext& context, const config::Value& value,
                                absl::string_view keyword) {
  const std::optional<int> max = context.Integer(value, keyword);
  if (max.has_value() && (*max < 0 || *max > kRetryMax)) {
    context.Error(value.place, absl::StrCat("'", keyword, "' takes 0, 1 or 2, not ", *max));
    return std::nullopt;
  }
  return max;
}

lifecycle::RetryPolicy ReadRetryMap(ParseContext& context, const config::Value& map) {
  lifecycle::RetryPolicy policy;
  context.CheckKeys(map, Section::kRetry);
  if (const config::Entry* max = map.Find("max"); max != nullptr) {
    policy.max = ReadRetryMax(context, *max->value, "retry:max").value_or(0);
  }
  if (const config::Entry* codes = map.Find("exit_codes"); codes != nullptr) {
    policy.exit_codes =
        context.ExitCodes(*codes->value, "retry:exit_codes").value_or(std::vector<int>());
  }
  const config::Entry* when = map.Find("when");
  if (when == nullptr) return policy;
  std::vector<const config::Value*> words = {when->value};
  if (when->value->IsList()) words = when->value->items;
  RetryReasons found;
  for (const config::Value* word : words) AddReason(context, *word, found);
  if (found.always) {
    policy.exit_codes.clear();  // any reason is enough, whatever the code
  } else if (found.reasons.empty() && policy.exit_codes.empty() && !found.wrong) {
    policy.max = 0;
    context.Warning(when->key_place,
                    "none of these reasons can happen on this farm: the job is "
                    "never retried");
  }
  if (!found.always) policy.when = std::move(found.reasons);
  return policy;
}

std::optional<NeedDraft> ReadNeed(ParseContext& context, const config::Value& value) {
  NeedDraft draft;
  draft.place = value.place;
  if (value.IsScalar() && !value.text.empty()) {
    draft.need.job = value.text;
    return draft;
  }
  if (!value.IsMap()) {
    context.Error(
        value.place,
        absl::StrCat("'needs' takes names of jobs or maps such as {job: build}, but this ",
                     "entry is ", value.IsScalar() ? "empty" : value.KindName()));
    return std::nullopt;
  }
  if (!context.CheckKeys(value, Section::kNeed)) return std::nullopt;
  const config::Entry* job = value.Find("job");
  if (job == nullptr || !job->value->IsScalar() || job->value->text.empty()) {
    context.Error(value.place, "an entry of 'needs' has no 'job'; name the job that is needed");
    return std::nullopt;
  }
  draft.need.job = job->value->text;
  draft.place = job->value->place;
  if (const config::Entry* artifacts = value.Find("artifacts"); artifacts != nullptr) {
    draft.need.artifacts = context.Bool(*artifacts->value, "needs:artifacts").value_or(true);
  }
  if (const config::Entry* optional = value.Find("optional"); optional != nullptr) {
    draft.need.optional = context.Bool(*optional->value, "needs:optional").value_or(false);
  }
  return draft;
}

}  // namespace

void ParseStage(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  const std::optional<std::string> name = context.Text(*entry.value, "stage");
  if (name.has_value()) context.job->stage = Named{*name, entry.value->place};
}

void ParseWhen(ParseContext& context, const config::Entry& entry) {
  const config::Value& value = *entry.value;
  if (value.IsNull()) return;
  const absl::StatusOr<lifecycle::When> when = lifecycle::ParseWhen(value.text);
  if (value.IsText() && when.ok()) {
    context.job->when = *when;
    context.job->when_place = value.place;
  } else if (value.IsText() && value.text == "never") {
    context.Error(value.place,
                  "'when: never' works in 'rules' only; remove the job, hide it with a "
                  "'.' before its name, or write 'rules: [{when: never}]'");
  } else {
    context.Error(
        value.place,
        absl::StrCat("'when' takes on_success, on_failure, always, manual or delayed",
                     value.IsScalar() ? absl::StrCat(", not '", value.text, "'")
                                      : absl::StrCat(", but this is ", value.KindName())));
  }
}

std::optional<absl::Duration> ReadStartIn(ParseContext& context, const config::Value& value) {
  const std::optional<absl::Duration> delay = context.Duration(value, "start_in");
  if (delay.has_value() && *delay > kStartInMax) {
    context.Error(value.place, "'start_in' is at most one week");
    return std::nullopt;
  }
  return delay;
}

void ParseStartIn(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  context.job->start_in = ReadStartIn(context, *entry.value);
  context.job->start_in_place = entry.key_place;
}

std::optional<AllowFailure> ReadAllowFailure(ParseContext& context, const config::Value& value) {
  if (const std::optional<bool> truth = value.AsBool(); truth.has_value()) {
    return AllowFailure{*truth, {}};
  }
  if (!value.IsMap()) {
    context.WrongType(value, "allow_failure", "true, false or a map with 'exit_codes'");
    return std::nullopt;
  }
  if (!context.CheckKeys(value, Section::kAllowFailure)) return std::nullopt;
  const config::Entry* codes = value.Find("exit_codes");
  if (codes == nullptr) {
    context.Error(value.place, "'allow_failure' needs true, false or 'exit_codes'");
    return std::nullopt;
  }
  std::optional<std::vector<int>> list =
      context.ExitCodes(*codes->value, "allow_failure:exit_codes");
  if (!list.has_value()) return std::nullopt;
  return AllowFailure{false, *std::move(list)};
}

void ParseAllowFailure(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  context.job->allow_failure = ReadAllowFailure(context, *entry.value);
}

void ParseNeeds(ParseContext& context, const config::Entry& entry) {
  context.job->needs_place = entry.key_place;
  std::vector<const config::Value*> values;
  if (!entry.value->IsList()) return context.WrongType(*entry.value, "needs", "a list of jobs");
  if (!context.Flatten(*entry.value, "needs", values)) return;
  if (values.size() > kNeedsMax) {
    return context.Error(entry.key_place, absl::StrCat("'needs' has ", values.size(),
                                                       " entries; the limit is ", kNeedsMax));
  }
  std::vector<NeedDraft> needs;
  absl::flat_hash_set<std::string> names;
  for (const config::Value* value : values) {
    std::optional<NeedDraft> need = ReadNeed(context, *value);
    if (!need.has_value()) continue;
    if (names.insert(need->need.job).second) {
      needs.push_back(*std::move(need));
    } else {
      context.Warning(value->place, absl::StrCat("'needs' has '", need->need.job,
                                                 "' twice; the second has no effect"));
    }
  }
  context.job->needs = std::move(needs);
}

void ParseDependencies(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  context.job->dependencies = context.Names(*entry.value, "dependencies");
}

void ParseTags(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  context.job->tags = context.Texts(*entry.value, "tags");
  if (context.job->tags.has_value() && context.job->tags->size() > kTagsMax) {
    context.Error(entry.key_place, absl::StrCat("'tags' has ", context.job->tags->size(),
                                                " entries; the limit is ", kTagsMax));
  }
}

void ParseTimeout(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  const std::optional<absl::Duration> timeout = context.Duration(*entry.value, "timeout");
  if (!timeout.has_value()) return;
  if (*timeout <= absl::ZeroDuration() || *timeout > kTimeoutMax) {
    return context.Error(entry.value->place,
                         absl::StrCat("'timeout' is more than 0 seconds and at most ",
                                      text::FormatDuration(kTimeoutMax)));
  }
  context.job->timeout = *timeout;
}

void ParseDefaultTimeout(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  if (!context.Duration(*entry.value, "default:timeout").has_value()) return;
  context.Warning(entry.key_place,
                  "'timeout' in 'default' has no effect, as in GitLab; set it in "
                  "the jobs or in the project");
}

void ParseRetry(ParseContext& context, const config::Entry& entry) {
  const config::Value& value = *entry.value;
  if (value.IsNull()) return;
  lifecycle::RetryPolicy policy;
  if (value.IsMap()) {
    policy = ReadRetryMap(context, value);
  } else if (value.AsInteger().has_value()) {
    policy.max = ReadRetryMax(context, value, "retry").value_or(0);
  } else {
    return context.WrongType(value, "retry", "0, 1, 2 or a map with 'max'");
  }
  context.job->retry = std::move(policy);
}

void ParseCoverage(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  const std::optional<std::string> regex = context.Text(*entry.value, "coverage");
  if (!regex.has_value()) return;
  if (const absl::Status status = CheckCoverageRegex(*regex); !status.ok()) {
    return context.Error(entry.value->place, absl::StrCat("'coverage': ", status.message()));
  }
  context.job->coverage = *regex;
}

void ParseInterruptible(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  context.job->interruptible = context.Bool(*entry.value, "interruptible");
}

void ParseExtends(ParseContext& context, const config::Entry&) { context.job->broken = true; }

}  // namespace grange::pipeline
