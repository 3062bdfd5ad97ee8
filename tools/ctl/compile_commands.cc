// lint, plan, explain: the compiler without a coordinator.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/text/edit_distance.h"
#include "coordinator/lifecycle/job_state.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/graph_json.h"
#include "tools/ctl/command.h"
#include "tools/ctl/compile_facts.h"
#include "tools/ctl/explain_text.h"
#include "tools/ctl/folder_tree.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/table.h"

namespace grange::ctl {
namespace {

using config::Diagnostic;

struct ExplainOptions {
  CompileOptions compile;
  std::string job;
  bool merged = false;  // print the composed configuration instead
};

struct Compiled {
  config::SourceFile root;
  pipeline::CompileResult result;
};

absl::StatusOr<Compiled> CompileFile(const Context& context, const CompileOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(CompileInput input, ReadCompileInput(options, context.globals().project));
  GRANGE_ASSIGN_OR_RETURN(IncludeSources sources, ReadIncludeSources(options));
  const FolderTree tree(input.include_root, options.changed, std::move(sources));
  pipeline::CompileResult result = pipeline::Compile(input.root, tree, input.facts);
  return Compiled{.root = std::move(input.root), .result = std::move(result)};
}

bool HasErrors(const pipeline::CompileResult& result) {
  return std::any_of(result.diagnostics.begin(), result.diagnostics.end(), [](const Diagnostic& d) {
    return d.severity == Diagnostic::Severity::kError;
  });
}

// The line that a message is about with a caret under its column: for a terminal.
void PrintSource(Context& context, const config::MergedConfig& config, const SourceSpan& place) {
  constexpr size_t kLineMax = 200;
  const std::string* const text = config.TextOf(place.file);
  if (!context.err().is_terminal || text == nullptr || place.line < 1) return;
  absl::string_view rest = *text;
  for (int line = 1; line < place.line; ++line) {
    const size_t end = rest.find('\n');
    if (end == absl::string_view::npos) return;
    rest.remove_prefix(end + 1);
  }
  const absl::string_view line = rest.substr(0, rest.find('\n'));
  const auto column = static_cast<size_t>(std::max(place.column, 1)) - 1;
  if (line.size() > kLineMax || column > line.size()) return;
  const size_t indent = Width(Printable(line.substr(0, column)));
  context.PrintError(absl::StrCat("    ", line));
  context.PrintError(absl::StrCat("    ", std::string(indent, ' '), "^"));
}

// `demote`: errors count as warnings.
void PrintDiagnostics(Context& context, const Compiled& compiled, bool demote) {
  for (Diagnostic diagnostic : compiled.result.diagnostics) {
    if (demote) diagnostic.severity = Diagnostic::Severity::kWarning;
    context.PrintError(diagnostic.ToString());
    PrintSource(context, compiled.result.config, diagnostic.place);
    for (const SourceSpan& span : diagnostic.included_from) {
      context.PrintError(absl::StrCat("  included from ", span.ToString()));
    }
  }
}

Json DiagnosticsJson(const Compiled& compiled, Diagnostic::Severity severity, bool demote) {
  Json list = Json::array();
  for (const Diagnostic& d : compiled.result.diagnostics) {
    const Diagnostic::Severity own = demote ? Diagnostic::Severity::kWarning : d.severity;
    if (own != severity) continue;
    Json included_from = Json::array();
    for (const SourceSpan& span : d.included_from) included_from.push_back(span.ToString());
    list.push_back({{"file", d.place.file},
                    {"line", d.place.line},
                    {"column", d.place.column},
                    {"message", d.message},
                    {"included_from", std::move(included_from)}});
  }
  return list;
}

std::string Plural(size_t count, absl::string_view noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

absl::StatusOr<ExitCode> Lint(Context& context, const CompileOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(const Compiled compiled, CompileFile(context, options));
  const bool demote = compiled.result.not_creatable;
  const bool valid = demote || !HasErrors(compiled.result);
  if (context.json() || options.json) {
    context.PrintJson(
        {{"valid", valid},
         {"errors", DiagnosticsJson(compiled, Diagnostic::Severity::kError, demote)},
         {"warnings", DiagnosticsJson(compiled, Diagnostic::Severity::kWarning, demote)}});
    return valid ? kExitDone : kExitFailed;
  }
  PrintDiagnostics(context, compiled, demote);
  if (!valid) return kExitFailed;
  std::string summary = absl::StrCat(Printable(compiled.root.name), ": valid");
  if (compiled.result.graph) {
    absl::StrAppend(&summary, ", ", Plural(compiled.result.graph->jobs.size(), "job"), " in ",
                    Plural(compiled.result.graph->stages.size(), "stage"));
  }
  context.Print(absl::StrCat(summary, "\n"));
  return kExitDone;
}

std::string AllowFailureText(const pipeline::AllowFailure& allow) {
  if (allow.always) return "yes";
  if (allow.exit_codes.empty()) return "";
  return absl::StrCat("exit ", absl::StrJoin(allow.exit_codes, ", "));
}

std::string NeedsText(const std::optional<std::vector<pipeline::Need>>& needs) {
  if (!needs) return "";
  if (needs->empty()) return "(none)";
  return absl::StrJoin(*needs, ", ", [](std::string* out, const pipeline::Need& need) {
    absl::StrAppend(out, need.job, need.optional ? "?" : "");
  });
}

std::string PlanTable(const pipeline::PipelineGraph& graph, const Terminal& terminal) {
  Table table({{"STAGE"}, {"JOB"}, {"WHEN"}, {"MAY FAIL"}, {"NEEDS"}, {"TAGS"}, {"ENVIRONMENT"}});
  for (const pipeline::JobPlan& job : graph.jobs) {
    const absl::string_view when = lifecycle::WhenName(job.when);
    table.AddRow({job.stage, job.name, std::string(when), AllowFailureText(job.allow_failure),
                  NeedsText(job.needs), absl::StrJoin(job.tags, ", "), job.environment});
  }
  return table.ToString(terminal);
}

absl::StatusOr<ExitCode> Plan(Context& context, const CompileOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(const Compiled compiled, CompileFile(context, options));
  const pipeline::CompileResult& result = compiled.result;
  const bool json = context.json() || options.json;
  const bool failed = HasErrors(result) || result.not_creatable || !result.graph;
  if (failed || !json) PrintDiagnostics(context, compiled, /*demote=*/false);
  if (failed) return kExitFailed;
  if (json) {
    context.Print(
        absl::StrCat(absl::StripTrailingAsciiWhitespace(PlanToJson(*result.graph)), "\n"));
    return kExitDone;
  }
  if (result.graph->jobs.empty()) {
    context.Note("no job is in this pipeline; 'grangectl explain' says why");
    return kExitDone;
  }
  context.Print(PlanTable(*result.graph, context.out()));
  return kExitDone;
}

absl::Status NoSuchJob(const std::string& job,
                       const std::vector<pipeline::JobDecision>& decisions) {
  std::vector<std::string> names;
  for (const pipeline::JobDecision& decision : decisions) names.push_back(decision.job);
  const std::string hint = text::DidYouMean(job, names);
  return absl::NotFoundError(absl::StrCat("there is no job '", job, "'",
                                          hint.empty() ? "; 'grangectl explain' lists all" : hint));
}

absl::StatusOr<ExitCode> Explain(Context& context, const ExplainOptions& given) {
  ExplainOptions options = given;
  if (options.compile.file.empty() &&
      (absl::EndsWith(options.job, ".yml") || absl::EndsWith(options.job, ".yaml"))) {
    options.compile.file = std::exchange(options.job, "");
  }
  GRANGE_ASSIGN_OR_RETURN(const Compiled compiled, CompileFile(context, options.compile));
  if (HasErrors(compiled.result) && !compiled.result.not_creatable) {
    PrintDiagnostics(context, compiled, /*demote=*/false);
    return kExitFailed;
  }
  if (options.merged) {
    context.Print(compiled.result.config.Text());
    return kExitDone;
  }
  std::vector<pipeline::JobDecision> decisions;
  for (const pipeline::JobDecision& decision : compiled.result.decisions) {
    if (options.job.empty() || decision.job == options.job) decisions.push_back(decision);
  }
  if (decisions.empty() && !options.job.empty()) {
    return NoSuchJob(options.job, compiled.result.decisions);
  }
  if (context.json() || options.compile.json) {
    Json list = Json::array();
    for (const pipeline::JobDecision& d : decisions) {
      list.push_back(ExplainJson(d, compiled.result.config));
    }
    context.PrintJson({{"jobs", std::move(list)}});
    return kExitDone;
  }
  if (!options.job.empty()) {
    context.Print(ExplainText(decisions.front(), compiled.result.config, context.out()));
    return kExitDone;
  }
  Table table({{"JOB"}, {"IN"}, {"PLACE"}, {"REASON"}});
  for (const pipeline::JobDecision& d : decisions) {
    table.AddRow({d.job,
                  {d.in ? "yes" : "no", d.in ? Colour::kGreen : Colour::kGrey},
                  d.place.ToString(),
                  d.reason});
  }
  context.Print(table.ToString(context.out()));
  return kExitDone;
}

void AddCompileOptions(CLI::App* command, CompileOptions& options) {
  command->add_option("--branch", options.branch, "as for a push of this branch")->type_name("B");
  command->add_option("--tag", options.tag, "as for a push of this tag")->type_name("T");
  command
      ->add_option("--event", options.event,
                   "what CI_PIPELINE_SOURCE says: push (default), schedule, web, api, "
                   "merge_request, trigger, parent_pipeline")
      ->type_name("E");
  command
      ->add_option("--changed", options.changed,
                   "a path that the push changes, for 'changes'; may be repeated; without it there "
                   "is nothing to compare with, and 'changes' holds")
      ->type_name("PATH");
  command
      ->add_option("--var", options.variables,
                   "a variable, also over a predefined one; may be repeated")
      ->type_name("K=V")
      ->allow_extra_args(false);
  command
      ->add_option("--input", options.inputs,
                   "an input of the file's header; the value is JSON, else text; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command
      ->add_option("--include-project", options.include_projects,
                   "a folder with the files of another project, for 'include:project' and "
                   "'include:component' at any ref; may be repeated")
      ->type_name("NAME=DIR")
      ->allow_extra_args(false);
  command
      ->add_option("--templates", options.templates,
                   "the folder with the files of 'include:template'")
      ->type_name("DIR");
  command
      ->add_option("--include-host", options.include_hosts,
                   "a host from which 'include:remote' may read: HOST or HOST:PORT, with 'http://' "
                   "before it for plain text; may be repeated")
      ->type_name("HOST")
      ->allow_extra_args(false);
  command->add_flag("--include-private", options.include_private,
                    "let these hosts have addresses that are not of the public Internet");
  command->add_flag("--json", options.json, "the same as -o json");
}

}  // namespace

void AddCompileCommands(const CommandTree& tree) {
  constexpr char kFacts[] =
      "Needs no coordinator. The branch is the one that is checked out beside FILE unless --branch "
      "or --tag says otherwise, the default branch is that of origin, else main or master.\n\n";
  const auto lint = std::make_shared<CompileOptions>();
  CLI::App* command = tree.Add(
      tree.root, "lint", "check a .gitlab-ci.yml",
      absl::StrCat("Prints every error as file:line:column: message, and exits with 1 if there is "
                   "one. ",
                   kFacts, "Examples:\n  grangectl lint\n  grangectl lint ci/nightly.yml -o json"));
  command->add_option("file", lint->file, "the configuration (default: .gitlab-ci.yml)")
      ->type_name("FILE");
  AddCompileOptions(command, *lint);
  tree.OnRun(command, lint, &Lint);

  const auto plan = std::make_shared<CompileOptions>();
  command = tree.Add(
      tree.root, "plan", "show the jobs that a pipeline would have",
      absl::StrCat(
          "Compiles the configuration and lists the jobs that are in, by stage, then in the "
          "order of the file. With -o json everything that is known of them. ",
          kFacts,
          "Examples:\n  grangectl plan --branch feature/login\n"
          "  grangectl plan --tag v1.0 --var DEPLOY=yes -o json"));
  command->add_option("file", plan->file, "the configuration (default: .gitlab-ci.yml)")
      ->type_name("FILE");
  AddCompileOptions(command, *plan);
  tree.OnRun(command, plan, &Plan);

  const auto explain = std::make_shared<ExplainOptions>();
  command = tree.Add(
      tree.root, "explain", "say which rule lets each job in or out",
      absl::StrCat(
          "Names for each job the rule and the line that decided. For JOB alone, or with -o json, "
          "also the variables that were looked at with their values, and where each of its "
          "keywords was written: in the job, in one that it extends, in 'default'. An only "
          "argument that ends in .yml or .yaml is the FILE. ",
          kFacts,
          "Examples:\n  grangectl explain\n  grangectl explain deploy --branch x\n"
          "  grangectl explain --merged"));
  command->add_option("job", explain->job, "only this job")->type_name("JOB");
  command->add_option("file", explain->compile.file, "the configuration (default: .gitlab-ci.yml)")
      ->type_name("FILE");
  command->add_flag("--merged", explain->merged,
                    "print the whole configuration instead, as one file: inputs, includes, "
                    "'extends' and '!reference' put in their places, hidden jobs left out");
  AddCompileOptions(command, explain->compile);
  tree.OnRun(command, explain, &Explain);
}

}  // namespace grange::ctl
