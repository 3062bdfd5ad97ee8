#ifndef GRANGE_COORDINATOR_CONFIG_JSON_TEXT_H_
#define GRANGE_COORDINATOR_CONFIG_JSON_TEXT_H_

#include <cstddef>
#include <optional>
#include <string>

#include "coordinator/config/value.h"

namespace grange::config {

// The value as JSON on one line. nullopt if it would have more than `bytes_max` bytes.
std::optional<std::string> ToJson(const Value& value, size_t bytes_max);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_JSON_TEXT_H_
