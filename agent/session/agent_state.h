#ifndef GRANGE_AGENT_SESSION_AGENT_STATE_H_
#define GRANGE_AGENT_SESSION_AGENT_STATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/id.h"
#include "common/base/secret.h"

namespace grange::session {

// Who this agent is; the file agent.id.
struct AgentIdentity {
  AgentId id;
  std::string name;
  std::string coordinator;  // "host:port"
  std::vector<std::string> tags;
  bool run_untagged = true;
  int slots = 1;
  bool insecure = false;  // plain text, loopback only
};

// The state directory of an agent: docs/formats/agent-state.md.
class AgentState {
 public:
  explicit AgentState(std::string dir) : dir_(std::move(dir)) {}

  const std::string& dir() const { return dir_; }
  std::string Path(absl::string_view name) const;

  bool IsRegistered() const;
  // All of them or, after a crash, none that IsRegistered() would see: agent.id is written last.
  absl::Status SaveRegistration(const AgentIdentity& identity, const Secret& credential,
                                const std::string& ca_pem) const;
  // kFailedPrecondition with the command to run if the agent isn't registered.
  absl::StatusOr<AgentIdentity> LoadIdentity() const;
  absl::StatusOr<Secret> LoadCredential() const;
  absl::StatusOr<std::string> LoadCa() const;

  // The number of the next session: one more than any before, durable. Gives the ballast up if the
  // disk is full: without a session no result would ever arrive.
  absl::StatusOr<uint64_t> NextSessionCounter() const;

  // 16 MiB that are kept for a full disk. kResourceExhausted, and no ballast, if there is no room.
  absl::Status MakeBallast() const;
  // True if there was one: then it is worth trying again what found no space.
  bool GiveUpBallast() const;

 private:
  const std::string dir_;
};

}  // namespace grange::session

#endif  // GRANGE_AGENT_SESSION_AGENT_STATE_H_
