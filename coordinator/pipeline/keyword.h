#ifndef GRANGE_COORDINATOR_PIPELINE_KEYWORD_H_
#define GRANGE_COORDINATOR_PIPELINE_KEYWORD_H_

#include <span>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "coordinator/config/value.h"

// The table of all keywords that a .gitlab-ci.yml may have: the one place that says what we know
// of them. The parser follows it, and docs/gitlab-compat.md is made from it.
namespace grange::pipeline {

class ParseContext;

// The map in which a keyword stands.
enum class Section {
  kGlobal,  // the file itself
  kWorkflow,
  kAutoCancel,
  kWorkflowRule,
  kDefault,
  kJob,
  kVariable,     // a variable in its long form, at the top of the file
  kJobVariable,  // the same in a job or a rule
  kRule,
  kChanges,
  kExists,
  kFilter,  // only, except
  kAllowFailure,
  kNeed,
  kRetry,
  kArtifacts,
  kInherit,
  kInclude,
  kIncludeRule,
  kImage,
  kService,
  kCache,
  kCacheKey,
  kEnvironment,
  kParallel,
  kTrigger,
  kTriggerInclude,
  kForward,
  kRelease,
  kReports,
  kSpec,
  kInput,
  kHooks,
  kRunStep,
  kPages,
  kSecret,
  kIdToken,
  kJobInput,
  kDast,
};

enum class Support {
  kYes,
  kDifferent,  // supported, with the difference in `note`
  kLater,      // compiled with GitLab's meaning, with a warning; no job can be run with it yet, so
               // that a submit of a pipeline with it is refused
  kInert,      // read and then of no effect here, with a warning that has the reason in `note`
  kRefused,    // refused with its line; `note` says what to use instead
  kReserved,   // no keyword, but no job may have this name
};

struct Keyword {
  Section section;
  absl::string_view name;
  Support support = Support::kYes;
  absl::string_view note;
  // Reads the value of a keyword of the sections kGlobal, kWorkflow, kDefault and kJob; nullptr
  // where the parser of the surrounding keyword does.
  void (*parse)(ParseContext&, const config::Entry&) = nullptr;
};

// All of them, by section: keyword_table.cc.
std::span<const Keyword> Keywords();

// nullptr if there is no such keyword in the section.
const Keyword* FindKeyword(Section section, absl::string_view name);

// The names in a section, without reserved ones: for suggestions.
std::vector<std::string> KeywordNames(Section section);

// The keyword whose map the section is: "artifacts", "workflow:rules"; "" for a file and a job.
absl::string_view SectionOwner(Section section);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_KEYWORD_H_
