#include "coordinator/pipeline/compat_page.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/keyword.h"

namespace grange::pipeline {
namespace {

constexpr absl::string_view kHead = R"(# What of GitLab's language Grange understands

Your `.gitlab-ci.yml` means here what it means in GitLab. A keyword that is not supported yet is
refused with its line, never ignored; a word that GitLab doesn't know is refused too, with a
suggestion. This page is made from the compiler's table of keywords
(`coordinator/pipeline/keyword_table.cc`); a test compares the two, and
`GRANGE_UPDATE=1 build/release/test/pipeline_test --gtest_filter='CompatPage*'` writes it anew.

)";

constexpr absl::string_view kTail = R"(## Differences in meaning

- **Expressions** (`rules:if`, `only:variables`): as GitLab, down to `$EMPTY || $X`, which does not
  hold if `EMPTY` is defined and empty; where that hides a right side that holds, a warning says so.
- **Regular expressions** are RE2 everywhere: no look-around, no back references; names are
  `(?P<n>…)`.
- **Coverage**: colour codes are removed from a line before it is matched. The regex may stand
  without its slashes. GitLab's rules otherwise: from the last line to the first, of a line's
  matches the last, of its groups the last, the first number in it.
- **`tags`**: variables of the pipeline are replaced once; values are not expanded again.
- **`retry:when`**: `runner_system_failure` is any failure that is the farm's. The farm's own words
  (`agent_lost`, `agent_crash`, `host_restart`, …) may be used as well.
- **A job named `pages`** is an ordinary job, with a warning: nothing is published.
- **Equal keys in one map**: the last one wins, as in GitLab, with a warning that names both places.
- **`!reference`** is resolved after `extends`, as in GitLab; in any list, a reference to a list gives
  its items. `$[[ inputs.x ]]` is replaced in files that have a header with `spec`; in
  others it stays, with a warning.
- **`include` and `expand_vars`**: masked variables are not replaced in them, so that no plan or
  message shows one; their names stay.
- **An `include` that fails** ends the check: what is wrong with the jobs is said once all files are
  there, as in GitLab.
- **Booleans and numbers** follow YAML 1.1, as GitLab's parser does: an unquoted `yes` is true, and
  a line of `script` that is a number or a boolean must be put in quotes.

## Limits

| what | limit |
|---|---|
| bytes of a file | 16 MiB |
| lists and maps inside each other | 100 |
| values, aliases and merges counted as often as they repeat them | 2,000,000 |
| included files | 150, nested at most 100 deep, 32 MiB together |
| remote files of a pipeline | 16 MiB each, 25 s together, 5 redirects each |
| `$[[ ]]` | 3 functions, 1 KB inside, 1 MB the text |
| levels of `extends` | 11 |
| jobs | 10,000 |
| name of a job / of one with `needs` / of a stage | 255 / 128 / 255 characters |
| entries of `needs` / `tags` | 50 / 49 |
| lists inside each other in `script`, `rules`, `stages` | 10 |
| parts of an expression | 100 |
| bytes of a regular expression | 16 KiB |
| `retry` | 2 |
| `start_in` / `timeout` | 7 / 31 days |
| variables of all jobs together | 256 MiB |
| errors that are shown | 1,000 |
)";

struct Part {
  Section section;
  absl::string_view title;
};

constexpr std::array<Part, 31> kParts = {{
    {Section::kGlobal, "At the top of the file"},
    {Section::kInclude, "`include`"},
    {Section::kWorkflow, "`workflow`"},
    {Section::kWorkflowRule, "`workflow:rules`"},
    {Section::kDefault, "`default`"},
    {Section::kVariable, "`variables` at the top of the file, long form"},
    {Section::kJob, "In a job"},
    {Section::kJobVariable, "`variables` of a job or a rule, long form"},
    {Section::kRule, "`rules`"},
    {Section::kFilter, "`only` and `except`"},
    {Section::kAllowFailure, "`allow_failure`"},
    {Section::kNeed, "`needs`"},
    {Section::kRetry, "`retry`"},
    {Section::kArtifacts, "`artifacts`"},
    {Section::kReports, "`artifacts:reports`"},
    {Section::kInherit, "`inherit`"},
    {Section::kCache, "`cache`"},
    {Section::kCacheKey, "`cache:key`"},
    {Section::kImage, "`image`"},
    {Section::kService, "`services`"},
    {Section::kEnvironment, "`environment`"},
    {Section::kParallel, "`parallel`"},
    {Section::kTrigger, "`trigger`"},
    {Section::kRelease, "`release`"},
    {Section::kHooks, "`hooks`"},
    {Section::kRunStep, "`run`"},
    {Section::kPages, "`pages`"},
    {Section::kSecret, "`secrets`"},
    {Section::kIdToken, "`id_tokens`"},
    {Section::kSpec, "`spec`"},
    {Section::kInput, "`spec:inputs`"},
}};

absl::string_view SupportWord(Support support) {
  switch (support) {
    case Support::kYes:
      return "supported";
    case Support::kDifferent:
      return "different";
    case Support::kLater:
      return "planned; a submit is refused";
    case Support::kInert:
      return "no effect here; gives a warning";
    case Support::kRefused:
      return "refused";
    case Support::kNotYet:
      return "refused: not supported yet";
    case Support::kReserved:
      return "refused as the name of a job";
  }
  return "";
}

}  // namespace

std::string CompatPage() {
  std::string page(kHead);
  for (const Part& part : kParts) {
    absl::StrAppend(&page, "## ", part.title, "\n\n| keyword | is | note |\n|---|---|---|\n");
    for (const Keyword& keyword : Keywords()) {
      if (keyword.section != part.section) continue;
      absl::StrAppend(&page, "| `", keyword.name, "` | ", SupportWord(keyword.support), " | ",
                      keyword.note, keyword.note.empty() ? "|\n" : " |\n");
    }
    page += "\n";
  }
  absl::StrAppend(&page, kTail);
  return page;
}

}  // namespace grange::pipeline
