#ifndef GRANGE_COORDINATOR_CONTROL_CONTACT_NOTE_H_
#define GRANGE_COORDINATOR_CONTROL_CONTACT_NOTE_H_

#include <vector>

#include "coordinator/control/backend.h"
#include "coordinator/store/store.h"
#include "grange/v1/control.pb.h"

// What people should know of a job whose agent is away or was lost, beside what its row says: that
// the agent is unreachable and since when, or why the job waits once more; else what the agent does
// for it just now. May read the store; any
// thread.
namespace grange::control {

void AddContact(Backend& backend, store::Store& store, const store::JobRow& row, v1::Job* message);
// The same for pipelines: those that have a running job on an agent that is away.
void AddContact(Backend& backend, store::Store& store, v1::ListPipelinesReply* reply);

}  // namespace grange::control

#endif  // GRANGE_COORDINATOR_CONTROL_CONTACT_NOTE_H_
