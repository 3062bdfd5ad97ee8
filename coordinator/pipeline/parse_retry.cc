#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword_parsers.h"
#include "coordinator/pipeline/limits.h"

namespace grange::pipeline {
namespace {

using lifecycle::FailureReason;

// All reasons: what `runner_system_failure` stands for is asked of each.
constexpr std::array<FailureReason, 17> kFailureReasons = {
    FailureReason::kScriptFailure,  FailureReason::kTimeout,       FailureReason::kCanceled,
    FailureReason::kAgentLost,      FailureReason::kAgentForgot,   FailureReason::kAgentCrash,
    FailureReason::kHostRestart,    FailureReason::kLeaseLost,     FailureReason::kAgentDiskFull,
    FailureReason::kSupervisorDied, FailureReason::kSourcesFailed, FailureReason::kArtifactsFailed,
    FailureReason::kPrepareFailed,  FailureReason::kTraceLimit,    FailureReason::kMemoryLimit,
    FailureReason::kPidsLimit,      FailureReason::kAgentDrained};

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

}  // namespace

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

}  // namespace grange::pipeline
