#ifndef GRANGE_COORDINATOR_PIPELINE_FILE_READER_H_
#define GRANGE_COORDINATOR_PIPELINE_FILE_READER_H_

#include "coordinator/config/value.h"
#include "coordinator/pipeline/parse_context.h"

namespace grange::pipeline {

// Reads a whole configuration into context.file: each key by the table of keywords, every other
// one as a job. Reports what is wrong within one job; `default` is copied into the jobs.
void ReadConfiguration(const config::Value& root, ParseContext& context);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_FILE_READER_H_
