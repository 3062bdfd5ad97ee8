#ifndef GRANGE_TOOLS_CTL_INTERRUPT_H_
#define GRANGE_TOOLS_CTL_INTERRUPT_H_

#include <string>

namespace grange::ctl {

// From now on the first Ctrl-C (or SIGTERM) writes `message` to stderr and makes the returned
// descriptor readable; the second one ends the process at once with kExitInterrupted. A change of
// the terminal's size makes the descriptor readable as well. To be called once. A handler and not a
// signalfd, because gRPC's threads may already run and would take the signal.
int TakeInterrupts(const std::string& message);

// True once Ctrl-C was pressed. Empties the descriptor.
bool Interrupted();

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_INTERRUPT_H_
