#ifndef GRANGE_COORDINATOR_CONFIG_INCLUDE_LOADER_H_
#define GRANGE_COORDINATOR_CONFIG_INCLUDE_LOADER_H_

#include <optional>
#include <string>
#include <vector>

#include "coordinator/config/diagnostic.h"
#include "coordinator/config/header.h"
#include "coordinator/config/include_context.h"
#include "coordinator/config/include_item.h"
#include "coordinator/config/input_values.h"
#include "coordinator/config/merged_config.h"
#include "coordinator/config/source_file.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/config/value.h"
#include "coordinator/config/yaml_tree.h"

namespace grange::config {

// Follows `include` from the root file, in GitLab's order: of each file first its header and its
// inputs, then its own includes, which are merged in order before the file is laid over them.
class IncludeLoader {
 public:
  IncludeLoader(const SourceTree& tree, IncludeContext& context, MergedConfig& config)
      : tree_(tree), context_(context), config_(config) {}

  // nullptr, with all that is wrong, if any of the files can't be used: what is missing then would
  // only lead to further errors.
  const Value* LoadRoot(const SourceFile& root, std::vector<GivenInput> inputs);

 private:
  struct OpenFile {
    std::string name;
    IncludingFile from;
  };

  const Value* Load(const IncludedFile& file, const InputGiver& giver, bool is_component);
  const Value* Compose(const IncludedFile& file, const InputGiver& giver, bool is_component);
  const Value* Content(const IncludedFile& file, const YamlDocuments& documents,
                       const InputGiver& giver, bool is_component);
  const Value* ContentWithoutHeader(const Value* content, const InputGiver& giver);
  const Value* LoadIncluded(const Entry& include);
  std::vector<const Value*> LoadItem(const Value& item);
  bool LoadHeaderIncludes(FileHeader& header);
  bool LoadHeaderFile(const IncludeRequest& request, Place place,
                      std::vector<InputDeclaration>& declarations);
  std::vector<IncludeRequest> RequestsOf(const IncludeItem& item, const Value& path);
  std::optional<IncludedFile> Read(const IncludeRequest& request, Place place);
  std::string Expand(absl::string_view text) const;
  void Error(Place place, std::string message);

  const SourceTree& tree_;
  IncludeContext& context_;
  MergedConfig& config_;
  std::vector<OpenFile> open_;  // the files that include each other, the root first
  int count_ = 0;
  size_t included_bytes_ = 0;
  bool incomplete_ = false;
};

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_INCLUDE_LOADER_H_
