#ifndef GRANGE_AGENT_SHIM_SHIM_MESSAGE_H_
#define GRANGE_AGENT_SHIM_SHIM_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

// The messages between an agent and a shim once the run was handed over, and those with which it
// is answered: docs/formats/shim-socket.md.
namespace grange::shim {

struct ShimMessage {
  enum Kind : uint32_t {
    // shim -> agent
    kTaken = 1,    // the run is the shim's own now; value: field 22 of its /proc/<pid>/stat
    kRefused = 2,  // it is not, and the shim ends; detail: a SetupStep, value: errno
    kOutput = 3,   // the log has grown, or the connection is new; value: bytes in the log
    // agent -> shim
    kCancel = 16,  // detail: 1 = by force; value: the grace in milliseconds
    kLease = 17,   // value: the lease's end, milliseconds of CLOCK_BOOTTIME
    // detail: 1 = the disk is short of space, take no output; 0 = take it again. Holds as long as
    // an agent is there.
    kPause = 24,
    // The job ends: it has written the most on a disk that is full. value: how many bytes,
    // detail: 1 = into its work tree, 0 = into its log.
    kDiskFull = 25,
    // As a cancel that is not by force, but the job's script ends as "agent_drained"; value: the
    // grace in milliseconds. An after_script goes on.
    kDrained = 26,
  };
  uint32_t kind = 0;
  uint32_t detail = 0;
  uint64_t value = 0;
};
static_assert(sizeof(ShimMessage) == 16);

// What a shim does before it takes a run over; the texts are SetupStepText()'s.
enum class SetupStep : uint32_t {
  kReadRun = 1,
  kEnterFolder = 2,
  kClaimFolder = 3,
  kOpenLog = 4,
  kWatch = 5,
};

constexpr std::string_view SetupStepText(SetupStep step) {
  switch (step) {
    case SetupStep::kReadRun:
      return "cannot read the run from the agent";
    case SetupStep::kEnterFolder:
      return "cannot enter the job's folder";
    case SetupStep::kClaimFolder:
      return "cannot claim the job's folder with the file 'shim'";
    case SetupStep::kOpenLog:
      return "cannot make the file 'log'";
    case SetupStep::kWatch:
      return "cannot watch signals and timers";
  }
  return "cannot prepare the job";
}

// Cuts a byte stream into messages.
class ShimMessageReader {
 public:
  void Add(std::string_view bytes) { bytes_.append(bytes); }
  // The next whole message; false: none yet.
  bool Next(ShimMessage* message) {
    if (bytes_.size() < sizeof(*message)) return false;
    std::memcpy(message, bytes_.data(), sizeof(*message));
    bytes_.erase(0, sizeof(*message));
    return true;
  }

 private:
  std::string bytes_;
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_SHIM_MESSAGE_H_
