// Two files, divided by a line "%%": the second laid over the first, then `extends` and
// `!reference` of the result.

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "coordinator/config/diagnostic.h"
#include "coordinator/config/extends.h"
#include "coordinator/config/merge.h"
#include "coordinator/config/references.h"
#include "coordinator/config/value.h"
#include "coordinator/config/yaml_tree.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace grange::config;  // NOLINT(google-build-using-namespace): a main file
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string mark = "\n%%\n";
  const size_t at = text.find(mark);
  ValueArena arena;
  std::vector<Diagnostic> diagnostics;
  const Value* base = ParseYaml({"a.yml", text.substr(0, at)}, arena, diagnostics);
  const Value* over = base;
  if (at != std::string::npos) {
    over = ParseYaml({"b.yml", text.substr(at + mark.size())}, arena, diagnostics);
  }
  if (base == nullptr || over == nullptr || !base->IsMap() || !over->IsMap()) return 0;
  const Value* merged = MergeDeep(base, over, arena);
  if (merged == nullptr) return 0;
  merged = ResolveExtends(merged, arena, diagnostics);
  GRANGE_CHECK(merged != nullptr);
  merged = ResolveReferences(merged, arena, diagnostics);
  GRANGE_CHECK(merged != nullptr);
  return 0;
}
