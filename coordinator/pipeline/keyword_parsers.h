#ifndef GRANGE_COORDINATOR_PIPELINE_KEYWORD_PARSERS_H_
#define GRANGE_COORDINATOR_PIPELINE_KEYWORD_PARSERS_H_

#include <vector>

#include "coordinator/config/value.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/parse_context.h"

// One function for each keyword that the table (keyword_table.cc) says we support: reads the value
// of `entry` into context.job or context.file, or reports what is wrong with it.
namespace grange::pipeline {

// At the top of a file.
void ParseStages(ParseContext& context, const config::Entry& entry);
void ParseGlobalVariables(ParseContext& context, const config::Entry& entry);
void ParseDefault(ParseContext& context, const config::Entry& entry);
void ParseWorkflow(ParseContext& context, const config::Entry& entry);
void ParseWorkflowName(ParseContext& context, const config::Entry& entry);
void ParseAutoCancel(ParseContext& context, const config::Entry& entry);
void ParseWorkflowRules(ParseContext& context, const config::Entry& entry);

// In a job; some in `default` too.
void ParseScript(ParseContext& context, const config::Entry& entry);
void ParseBeforeScript(ParseContext& context, const config::Entry& entry);
void ParseAfterScript(ParseContext& context, const config::Entry& entry);
void ParseStage(ParseContext& context, const config::Entry& entry);
void ParseJobVariables(ParseContext& context, const config::Entry& entry);
void ParseRules(ParseContext& context, const config::Entry& entry);
void ParseOnly(ParseContext& context, const config::Entry& entry);
void ParseExcept(ParseContext& context, const config::Entry& entry);
void ParseWhen(ParseContext& context, const config::Entry& entry);
void ParseStartIn(ParseContext& context, const config::Entry& entry);
void ParseAllowFailure(ParseContext& context, const config::Entry& entry);
void ParseNeeds(ParseContext& context, const config::Entry& entry);
void ParseDependencies(ParseContext& context, const config::Entry& entry);
void ParseTags(ParseContext& context, const config::Entry& entry);
void ParseTimeout(ParseContext& context, const config::Entry& entry);
void ParseDefaultTimeout(ParseContext& context, const config::Entry& entry);
void ParseEnvironment(ParseContext& context, const config::Entry& entry);
void ParseParallel(ParseContext& context, const config::Entry& entry);
void ParseRetry(ParseContext& context, const config::Entry& entry);
void ParseArtifacts(ParseContext& context, const config::Entry& entry);
void ParseCoverage(ParseContext& context, const config::Entry& entry);
void ParseInterruptible(ParseContext& context, const config::Entry& entry);
void ParseInherit(ParseContext& context, const config::Entry& entry);
void ParseImage(ParseContext& context, const config::Entry& entry);
void ParseServices(ParseContext& context, const config::Entry& entry);
void ParseCache(ParseContext& context, const config::Entry& entry);
void ParseHooks(ParseContext& context, const config::Entry& entry);
void ParseSecrets(ParseContext& context, const config::Entry& entry);
void ParseIdTokens(ParseContext& context, const config::Entry& entry);
void ParseIdentity(ParseContext& context, const config::Entry& entry);
void ParseRelease(ParseContext& context, const config::Entry& entry);
void ParseRun(ParseContext& context, const config::Entry& entry);
void ParseTrigger(ParseContext& context, const config::Entry& entry);
void ParseResourceGroup(ParseContext& context, const config::Entry& entry);
void ParseJobInputs(ParseContext& context, const config::Entry& entry);
void ParseManualConfirmation(ParseContext& context, const config::Entry& entry);
void ParsePages(ParseContext& context, const config::Entry& entry);
void ParsePublish(ParseContext& context, const config::Entry& entry);
void ParseDastConfiguration(ParseContext& context, const config::Entry& entry);
// `extends` is resolved before; what is left of it has been reported.
void ParseExtends(ParseContext& context, const config::Entry& entry);

// Shared by several keywords.
std::vector<Variable> ReadVariables(ParseContext& context, const config::Value& map,
                                    Section section);
// `include:rules`.
std::vector<Rule> ReadIncludeRules(ParseContext& context, const config::Entry& entry);
// The rows of a `matrix`, at most kParallelMax; none, reported, if it can't be used.
std::vector<MatrixRow> ReadMatrix(ParseContext& context, const config::Value& value,
                                  absl::string_view keyword);
// `changes` (or `exists`) of `owner`, a list or the map `section`.
std::optional<PathCondition> ReadPathCondition(ParseContext& context, const config::Entry& entry,
                                               absl::string_view owner, Section section);
// `rules:needs`.
std::optional<std::vector<NeedDraft>> ReadRuleNeeds(ParseContext& context,
                                                    const config::Entry& entry);
// `auto_cancel` of `owner`.
std::optional<AutoCancel> ReadAutoCancel(ParseContext& context, const config::Entry& entry,
                                         absl::string_view owner);
// `artifacts:reports`.
void ReadReports(ParseContext& context, const config::Value& map, Artifacts& artifacts);
// False, reported, if the text can't name a project: "group/project", or with a variable.
bool CheckProjectPath(ParseContext& context, const config::Value& value, absl::string_view keyword);
std::optional<AllowFailure> ReadAllowFailure(ParseContext& context, const config::Value& value);
std::optional<absl::Duration> ReadStartIn(ParseContext& context, const config::Value& value);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_KEYWORD_PARSERS_H_
