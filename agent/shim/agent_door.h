#ifndef GRANGE_AGENT_SHIM_AGENT_DOOR_H_
#define GRANGE_AGENT_SHIM_AGENT_DOOR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/shim/owned_fd.h"
#include "agent/shim/shim_message.h"

namespace grange::shim {

// Where agents are heard and told: the socket that the shim was started with, and those that
// connect later to the socket `sock` in the job's folder. That is made once no agent is left, so a
// job whose agent lives costs no file. docs/formats/shim-socket.md.
//
// An agent that goes away, or does not listen, changes nothing.
class AgentDoor {
 public:
  static constexpr size_t kAgentsMax = 4;  // at once; further ones are turned away

  // -1: not listening.
  int listener() const { return listener_.get(); }
  // -1: nobody has this place.
  int agent(size_t place) const { return agents_[place].fd.get(); }
  bool has_agent() const;

  // Gives the agent that started us a place.
  void Seat(OwnedFd fd);
  // Someone has connected: let in if it is the same user or root, and told where the log stands.
  void Accept(uint64_t log_bytes);
  // The whole messages that the agent at `place` has sent.
  std::vector<ShimMessage> Read(size_t place);

  // To all, unless an agent has not yet read what it was told before: then it will look at the
  // log's end anyway.
  void TellOutput(uint64_t log_bytes);
  // To all.
  void Tell(const ShimMessage& message);

 private:
  struct Agent {
    OwnedFd fd;
    ShimMessageReader reader;
  };

  // Makes `sock` in the working directory.
  void Listen();

  OwnedFd listener_;
  std::array<Agent, kAgentsMax> agents_;
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_AGENT_DOOR_H_
