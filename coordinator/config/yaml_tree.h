#ifndef GRANGE_COORDINATOR_CONFIG_YAML_TREE_H_
#define GRANGE_COORDINATOR_CONFIG_YAML_TREE_H_

#include <optional>
#include <vector>

#include "coordinator/config/diagnostic.h"
#include "coordinator/config/source_file.h"
#include "coordinator/config/value.h"

namespace grange::config {

// A file in its one or two documents.
struct YamlDocuments {
  const Value* header = nullptr;   // the first of two: a map with `spec`; else nullptr
  const Value* content = nullptr;  // never nullptr; a null value if there is nothing
};

// The file's documents. nullopt if the text could not be read at all, or has other documents than
// one, or a header and one. As ParseYaml() in all else.
std::optional<YamlDocuments> ParseYamlDocuments(const SourceFile& file, ValueArena& arena,
                                                std::vector<Diagnostic>& diagnostics);

// The one document in `file`, with aliases and `<<` resolved; a null value if there is none.
// nullptr if the text could not be read at all. Problems are added to `diagnostics`.
//
// Of equal keys in one map the last wins, with a warning that names both places, as in GitLab.
// Explicit keys win over those of `<<`; in a list of maps the earlier one wins.
//
// Hostile text is refused before it costs much (limits.h). Needs less than 128 KiB of stack: lists
// and maps are refused at kDepthMax while they are being read.
const Value* ParseYaml(const SourceFile& file, ValueArena& arena,
                       std::vector<Diagnostic>& diagnostics);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_YAML_TREE_H_
