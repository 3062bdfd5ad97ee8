// Any text as an expression of `rules:if`, evaluated where some variables are defined.

#include <cstdint>
#include <string>

#include "common/base/check.h"
#include "coordinator/pipeline/expression.h"
#include "coordinator/pipeline/pattern.h"
#include "coordinator/pipeline/scope.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace grange::pipeline;  // NOLINT(google-build-using-namespace): a main file
  const std::string text(reinterpret_cast<const char*>(data), size);
  const VariableLayer layer = LayerOf(std::vector<std::pair<std::string, std::string>>{
      {"A", "a"}, {"B", ""}, {"C", "  "}, {"R", "/^a+$/i"}, {"T", "true"}, {"BAD", "/(/"}});
  const Scope scope({&layer});
  PatternCache patterns;
  const auto expression = Expression::Parse(text, patterns);
  if (!expression.ok()) {
    GRANGE_CHECK(!expression.status().message().empty());
    return 0;
  }
  const bool first = (*expression)->Evaluate(scope, patterns).holds;
  GRANGE_CHECK(first == (*expression)->Evaluate(scope, patterns).holds);
  return 0;
}
