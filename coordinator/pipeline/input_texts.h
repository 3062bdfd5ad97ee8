#ifndef GRANGE_COORDINATOR_PIPELINE_INPUT_TEXTS_H_
#define GRANGE_COORDINATOR_PIPELINE_INPUT_TEXTS_H_

#include <string>
#include <utility>
#include <vector>

#include "coordinator/config/merged_config.h"
#include "coordinator/pipeline/problems.h"

namespace grange::pipeline {

// The inputs that a pipeline is started with, names and JSON texts, in the form in which
// config::LoadConfig() takes them. What is no JSON, or too deep, is an error about `file`.
std::vector<config::InputText> ReadInputTexts(
    const std::vector<std::pair<std::string, std::string>>& inputs, const std::string& file,
    Problems& problems);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_INPUT_TEXTS_H_
