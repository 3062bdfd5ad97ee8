#ifndef GRANGE_COORDINATOR_CONTROL_CONVERT_H_
#define GRANGE_COORDINATOR_CONTROL_CONVERT_H_

#include "absl/time/time.h"
#include "coordinator/store/store.h"
#include "grange/v1/control.pb.h"

// Rows to messages. Pure.
namespace grange::control {

int64_t ToMillis(absl::Time time);  // 0 for "not yet"

void ToProto(const store::PipelineRow& row, v1::Pipeline* message);
void ToProto(const store::JobRow& row, v1::Job* message);
// The two halves of it: what the compiled job says, which never changes and takes a while to read
// (a row of an older version may lack some of it), and all else.
void AddPlan(const store::JobRow& row, v1::Job* message);
void AddProgress(const store::JobRow& row, v1::Job* message);
void ToProto(const store::AttemptRow& row, v1::Attempt* message);
void ToProto(const store::ArtifactRow& row, v1::Artifact* message);
void ToProto(const store::TokenRow& row, v1::Token* message);
// The commit of its newest pipeline.
void ToCommit(const store::PipelineRow& row, v1::Commit* message);

}  // namespace grange::control

#endif  // GRANGE_COORDINATOR_CONTROL_CONVERT_H_
