#ifndef GRANGE_COORDINATOR_CONFIG_YAML_TEXT_H_
#define GRANGE_COORDINATOR_CONFIG_YAML_TEXT_H_

#include <string>

#include "coordinator/config/value.h"

namespace grange::config {

// The value as YAML, which ParseYaml() reads as an equal tree: text that would be read as a number,
// a boolean or nothing stands in quotes, text of several lines in a block where it can. Aliases are
// written out, so the text can be far larger than the files were: above kYamlTextMax it ends with a
// comment that says so.
std::string ToYaml(const Value& value);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_YAML_TEXT_H_
