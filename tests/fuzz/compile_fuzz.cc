// Any bytes as a .gitlab-ci.yml: a graph or errors, the same ones each time.

#include <cstdint>
#include <string>

#include "common/base/check.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/graph_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace grange::pipeline;  // NOLINT(google-build-using-namespace): a main file
  if (size > 64 << 10) return 0;
  const grange::config::SourceFile file{".gitlab-ci.yml",
                                        std::string(reinterpret_cast<const char*>(data), size)};
  TriggerFacts facts;
  facts.branch = "main";
  facts.project = "portal";
  const grange::config::EmptyTree tree;
  const CompileResult first = Compile(file, tree, facts);
  bool errors = false;
  for (const auto& diagnostic : first.diagnostics) {
    errors = errors || diagnostic.severity == grange::config::Diagnostic::Severity::kError;
  }
  GRANGE_CHECK(first.graph.has_value() != errors);
  const CompileResult second = Compile(file, tree, facts);
  GRANGE_CHECK(first.diagnostics == second.diagnostics);
  if (!first.graph.has_value()) return 0;
  GRANGE_CHECK(PlanToJson(*first.graph) == PlanToJson(*second.graph));
  for (const JobPlan& job : first.graph->jobs) {
    const auto read = JobFromJson(JobToJson(job));
    GRANGE_CHECK(read.ok());
  }
  return 0;
}
