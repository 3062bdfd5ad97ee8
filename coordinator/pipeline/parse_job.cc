#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/text/duration_text.h"
#include "coordinator/pipeline/keyword_parsers.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/resource_group.h"

namespace grange::pipeline {

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

void ParseManualConfirmation(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  context.job->manual_confirmation = context.PlainText(*entry.value, "manual_confirmation");
}

// What variables in it hold is checked when a pipeline is made.
void ParseResourceGroup(ParseContext& context, const config::Entry& entry) {
  if (entry.value->IsNull()) return;
  const std::optional<std::string> name = context.Text(*entry.value, "resource_group");
  if (!name.has_value()) return;
  if (const absl::Status named = CheckResourceGroup(*name); !named.ok()) {
    return context.Error(entry.value->place, std::string(named.message()));
  }
  context.job->resource_group = Named{*name, entry.value->place};
}

void ParseExtends(ParseContext& context, const config::Entry&) { context.job->broken = true; }

}  // namespace grange::pipeline
