#include "coordinator/pipeline/compat_page.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/pipeline/keyword.h"

namespace grange::pipeline {
namespace {

constexpr absl::string_view kHead = R"(# What of GitLab's language Grange understands

Your `.gitlab-ci.yml` means here what it means in GitLab. A keyword that is *planned* is read, checked
and shown by `grangectl plan`, but a submit of a pipeline that has it is refused, with its line. One of
*no effect* gives a warning with the reason. One that is not supported yet is refused with its line,
never ignored; a word that GitLab doesn't know is refused too, with a suggestion. This page is made from the compiler's table of keywords
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
- **`run`**: only steps with `script`; `before_script` has no effect beside it, which gives a warning.
- **`rules:needs`** takes the needs of the rule instead of the job's own. `dependencies` outside of them
  are dropped; a circle that only these needs make is found when the pipeline is made.
- **`rules:exists:project`**: a project of this coordinator, as it was last submitted. `grangectl lint`
  and `plan` know none by themselves (`--include-project NAME=DIR` shows them one): nothing exists in
  it then, with a warning.
- **`services:command`** may be a text, as in new versions: a list of this one.
- **`trigger`, `needs:pipeline` alone**: such a job takes only `interruptible` over from `default`.
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

## What is allowed and gets a warning

- a job that can never run, as each of its rules says `when: never`;
- a regular expression that no text matches: `/main^/`, `/dark-$TONE/`;
- a `needs` on a job that other rules keep out of a pipeline that the first is in: tried are pushes to
  the default branch and to another, a tag, a merge request, a schedule;
- a job that runs where no job of an earlier stage does, such as a deploy without its tests;
- `only` or `except` in one job and `rules` in another; a last rule with only `when`;
- a variable that is defined nowhere: where the compiler replaces it (`tags`, `environment`,
  `resource_group`, `changes`, `needs:project`, …) each one; in a condition, where such a variable is
  usually given with the pipeline, only what looks like a slip (`$CI_COMIT_TAG`);
- `$EMPTY || $X` that hides a right side which holds; two equal keys in a map.

## GitLab's own test data

GitLab tests its schema with files that must be accepted and files that must be refused. We differ
here:

| file | job | why |
|---|---|---|
)";

constexpr absl::string_view kLimits = R"(
## Limits

| what | limit |
|---|---|
| bytes of a file | 16 MiB |
| brackets, braces and commas of a file | 4,000,000 |
| lists and maps inside each other | 100 |
| values, aliases and merges counted as often as they repeat them | 2,000,000 |
| included files | 150, nested at most 100 deep, 32 MiB together |
| remote files of a pipeline | 16 MiB each, 25 s together, 5 redirects each |
| `$[[ ]]` | 3 functions, 1 KB inside, 1 MB the text |
| levels of `extends` | 11 |
| jobs | 10,000 |
| name of a job / of one with `needs` / of a stage | 255 / 128 / 255 characters |
| entries of `needs` / `tags` | 50 / 49 |
| `needs:project` / `needs:pipeline` of a job | 5 / 5 |
| entries of `cache` / its `fallback_keys` / `key:files` | 4 / 5 / 2 |
| files of `trigger:include` | 3 |
| options of an input of a job | 50 |
| values in `release`, `trigger:inputs`, settings of a secret and others that are kept as written | 10,000, of 1 MiB |
| tag, name of a resource group or an environment, variables replaced | 255 bytes |
| `artifacts:expose_as` | 100 characters |
| lists inside each other in `script`, `rules`, `stages` | 10 |
| parts of an expression | 100 |
| bytes of a regular expression | 1 KiB |
| `retry` | 2 |
| `start_in` / `timeout` | 7 / 31 days |
| variables of all jobs together | 256 MiB |
| errors that are shown | 1,000 |
)";

struct Part {
  Section section;
  absl::string_view title;
};

constexpr std::array<Part, 38> kParts = {{
    {Section::kGlobal, "At the top of the file"},
    {Section::kInclude, "`include`"},
    {Section::kWorkflow, "`workflow`"},
    {Section::kAutoCancel, "`workflow:auto_cancel`"},
    {Section::kWorkflowRule, "`workflow:rules`"},
    {Section::kDefault, "`default`"},
    {Section::kVariable, "`variables` at the top of the file, long form"},
    {Section::kJob, "In a job"},
    {Section::kJobVariable, "`variables` of a job or a rule, long form"},
    {Section::kRule, "`rules`"},
    {Section::kChanges, "`rules:changes`"},
    {Section::kExists, "`rules:exists`"},
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
    {Section::kTriggerInclude, "`trigger:include`"},
    {Section::kForward, "`trigger:forward`"},
    {Section::kRelease, "`release`"},
    {Section::kHooks, "`hooks`"},
    {Section::kRunStep, "`run`"},
    {Section::kPages, "`pages`"},
    {Section::kSecret, "`secrets`"},
    {Section::kIdToken, "`id_tokens`"},
    {Section::kJobInput, "`inputs` of a job"},
    {Section::kDast, "`dast_configuration`"},
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
    case Support::kReserved:
      return "refused as the name of a job";
  }
  return "";
}

}  // namespace

std::span<const SchemaDifference> SchemaDifferences() {
  static const auto* const differences = new std::vector<SchemaDifference>{
      // never freed: it must outlive every user
      {"negative/artifacts.yml",
       {"browser_performance no paths", "cyclonedx no paths"},
       "a keyword without a value is not set, as in GitLab itself; only the schema refuses it"},
      {"negative/image.yml",
       {"empty_image", "image_with_empty_executor_opts"},
       "a keyword without a value is not set"},
      {"negative/services.yml",
       {"empty_services", "invalid_command"},
       "a keyword without a value is not set; new versions take a text for `command`"},
      {"negative/spec_inputs.yml",
       {"trigger_invalid_input"},
       "which types the inputs of another pipeline have is not known here"},
      {"positive/run.yml",
       {"hello_steps", "multiple_steps", "step_with_multiple_inputs", "mixed_steps_and_scripts",
        "step_from_local_file_system", "step_using_git_reference", "step_using_oci_reference",
        "step_using_action"},
       "only steps with `script` are run"},
  };
  return *differences;
}

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
  for (const SchemaDifference& difference : SchemaDifferences()) {
    absl::StrAppend(&page, "| `", difference.file, "` | `", absl::StrJoin(difference.jobs, "`, `"),
                    "` | ", difference.reason, " |\n");
  }
  absl::StrAppend(&page, kLimits);
  return page;
}

}  // namespace grange::pipeline
