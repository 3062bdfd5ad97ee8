#include "coordinator/pipeline/variable_set.h"

namespace grange::pipeline {

void VariableSet::Put(const Variable& variable) {
  const auto [it, fresh] = index_.try_emplace(variable.name, variables_.size());
  bytes_ += variable.value.size();
  if (fresh) {
    bytes_ += variable.name.size();
    variables_.push_back(variable);
    return;
  }
  bytes_ -= variables_[it->second].value.size();
  variables_[it->second] = variable;
}

void VariableSet::PutAll(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) Put(variable);
}

}  // namespace grange::pipeline
