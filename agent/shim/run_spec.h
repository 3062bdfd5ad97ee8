#ifndef GRANGE_AGENT_SHIM_RUN_SPEC_H_
#define GRANGE_AGENT_SHIM_RUN_SPEC_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the agent hands a shim over the socket pair it is started with: docs/formats/shim-socket.md.
namespace grange::shim {

// An account, in the numbers that the kernel wants.
struct JobUser {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;  // further ones

  friend bool operator==(const JobUser&, const JobUser&) = default;
};

// Durations and moments count milliseconds; moments are of CLOCK_BOOTTIME.
struct RunSpec {
  std::string shell;
  std::string script;
  std::string after_script;      // "": none
  std::vector<std::string> env;  // "NAME=value", secrets included
  std::vector<std::string> masks;
  std::string cwd;
  std::string boot_id;
  std::string trace_prefix;
  uint64_t timeout_ms = 0;
  uint64_t after_script_timeout_ms = 0;
  uint64_t stop_grace_ms = 0;
  uint64_t lease_until_ms = 0;  // 0: none until the agent tells one
  uint64_t trace_limit_bytes = 0;
  bool stop_on_disconnect = false;
  bool sync_log = false;
  bool fail_at_trace_limit = false;
  uint64_t disk_patience_ms = 0;  // 0: kDiskPatienceMs
  // The job's control groups, which exist already, and what they limit; none: no limits.
  std::vector<std::string> cgroups;
  uint64_t memory_limit_bytes = 0;  // 0: none
  uint64_t pids_limit = 0;          // 0: none
  // Whom the scripts run as; none: as the shim.
  std::optional<JobUser> user;
  bool no_new_privs = false;  // with a user always

  friend bool operator==(const RunSpec&, const RunSpec&) = default;
};

// How long a job waits for space on a full disk before it fails, if nobody decides otherwise.
inline constexpr uint64_t kDiskPatienceMs = 60'000;

// A frame is its header and as many bytes more as the header says.
inline constexpr size_t kRunSpecHeaderBytes = 16;
inline constexpr uint64_t kRunSpecBytesMax = 64 << 20;

std::string EncodeRunSpec(const RunSpec& spec);
// How many bytes follow this header; nullopt if it is none, or announces more than
// kRunSpecBytesMax.
std::optional<uint64_t> RunSpecBodyBytes(std::string_view header);
// The body of a frame. Fields that this version does not know are passed over; nullopt if the
// bytes are no sequence of fields.
std::optional<RunSpec> DecodeRunSpecBody(std::string_view body);

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_RUN_SPEC_H_
