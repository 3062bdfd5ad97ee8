#ifndef GRANGE_COORDINATOR_PIPELINE_VARIABLE_SET_H_
#define GRANGE_COORDINATOR_PIPELINE_VARIABLE_SET_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "coordinator/pipeline/graph.h"

namespace grange::pipeline {

// Variables in the order in which they were first defined, each name once: a later definition
// replaces the value of an earlier one.
class VariableSet {
 public:
  void Put(const Variable& variable);
  void PutAll(const std::vector<Variable>& variables);

  const std::vector<Variable>& variables() const { return variables_; }
  // The sizes of names and values together.
  size_t bytes() const { return bytes_; }

 private:
  std::vector<Variable> variables_;
  absl::flat_hash_map<std::string, size_t> index_;
  size_t bytes_ = 0;
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_VARIABLE_SET_H_
