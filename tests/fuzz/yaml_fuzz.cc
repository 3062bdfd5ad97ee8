// Any bytes as a file: a tree or errors, every error with a place in the file.

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "coordinator/config/diagnostic.h"
#include "coordinator/config/limits.h"
#include "coordinator/config/source_text.h"
#include "coordinator/config/value.h"
#include "coordinator/config/yaml_tree.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace grange::config;  // NOLINT(google-build-using-namespace): a main file
  ValueArena arena;
  std::vector<Diagnostic> diagnostics;
  const SourceFile file{"f.yml", std::string(reinterpret_cast<const char*>(data), size)};
  const Value* root = ParseYaml(file, arena, diagnostics);
  GRANGE_CHECK(root != nullptr || !diagnostics.empty());
  if (root != nullptr) GRANGE_CHECK(root->visits <= kVisitsMax);
  for (const Diagnostic& diagnostic : diagnostics) {
    GRANGE_CHECK(diagnostic.place.file == "f.yml");
  }
  return 0;
}
