#ifndef GRANGE_COORDINATOR_PIPELINE_WRITTEN_H_
#define GRANGE_COORDINATOR_PIPELINE_WRITTEN_H_

#include <string>

#include "coordinator/config/value.h"
#include "coordinator/pipeline/graph.h"

namespace grange::pipeline {

// `value` as compact JSON: keys in the order of the file, plain scalars with their YAML type.
// Bytes that are no UTF-8 are replaced. Takes as long as the walk over it: see kWrittenValuesMax.
Written ToWritten(const config::Value& value);

// The bytes of all texts and keys in `value`, aliases counted as often as they stand in it.
size_t TextBytes(const config::Value& value);

// The map {key: text}, for short forms.
Written WrittenPair(const std::string& key, const std::string& text);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_WRITTEN_H_
