#include "agent/shim/run_spec.h"

namespace grange::shim {
namespace {

constexpr std::string_view kMagic = "GRSHIM1\n";

// Numbers of the format: never given to another field.
enum Field : uint8_t {
  kShell = 1,
  kScript = 2,
  kAfterScript = 3,
  kEnv = 4,
  kMask = 5,
  kCwd = 6,
  kBootId = 7,
  kTracePrefix = 8,
  kTimeout = 9,
  kAfterScriptTimeout = 10,
  kStopGrace = 11,
  kLeaseUntil = 12,
  kTraceLimit = 13,
  kStopOnDisconnect = 14,
  kSyncLog = 15,
  kFailAtTraceLimit = 30,
  kDiskPatience = 31,
  kCgroup = 20,
  kMemoryLimit = 21,
  kPidsLimit = 22,
  kUser = 23,
  kNoNewPrivs = 24,
};

void AppendNumber(uint64_t number, int bytes, std::string* out) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(number >> 8 * i & 0xff));
}

uint64_t ReadNumber(std::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = bytes.size(); i > 0; --i) {
    number = number << 8 | static_cast<unsigned char>(bytes[i - 1]);
  }
  return number;
}

void AppendField(Field field, std::string_view bytes, std::string* out) {
  out->push_back(static_cast<char>(field));
  AppendNumber(bytes.size(), 4, out);
  out->append(bytes);
}

void AppendField(Field field, uint64_t number, std::string* out) {
  out->push_back(static_cast<char>(field));
  AppendNumber(8, 4, out);
  AppendNumber(number, 8, out);
}

// uid, gid, further groups: 4 bytes each.
std::string UserBytes(const JobUser& user) {
  std::string bytes;
  AppendNumber(user.uid, 4, &bytes);
  AppendNumber(user.gid, 4, &bytes);
  for (const uint32_t group : user.groups) AppendNumber(group, 4, &bytes);
  return bytes;
}

JobUser ReadUser(std::string_view bytes) {
  const auto number = [bytes](size_t i) {
    return static_cast<uint32_t>(ReadNumber(bytes.substr(4 * i, 4)));
  };
  if (bytes.size() < 8 || bytes.size() % 4 != 0) return {};  // root, which no script may become
  JobUser user = {.uid = number(0), .gid = number(1), .groups = {}};
  for (size_t i = 2; i < bytes.size() / 4; ++i) user.groups.push_back(number(i));
  return user;
}

void SetField(uint8_t field, std::string_view bytes, RunSpec* spec) {
  switch (field) {
    case kShell:
      spec->shell = bytes;
      break;
    case kScript:
      spec->script = bytes;
      break;
    case kAfterScript:
      spec->after_script = bytes;
      break;
    case kEnv:
      spec->env.emplace_back(bytes);
      break;
    case kMask:
      spec->masks.emplace_back(bytes);
      break;
    case kCwd:
      spec->cwd = bytes;
      break;
    case kBootId:
      spec->boot_id = bytes;
      break;
    case kTracePrefix:
      spec->trace_prefix = bytes;
      break;
    case kTimeout:
      spec->timeout_ms = ReadNumber(bytes);
      break;
    case kAfterScriptTimeout:
      spec->after_script_timeout_ms = ReadNumber(bytes);
      break;
    case kStopGrace:
      spec->stop_grace_ms = ReadNumber(bytes);
      break;
    case kLeaseUntil:
      spec->lease_until_ms = ReadNumber(bytes);
      break;
    case kTraceLimit:
      spec->trace_limit_bytes = ReadNumber(bytes);
      break;
    case kStopOnDisconnect:
      spec->stop_on_disconnect = ReadNumber(bytes) != 0;
      break;
    case kSyncLog:
      spec->sync_log = ReadNumber(bytes) != 0;
      break;
    case kFailAtTraceLimit:
      spec->fail_at_trace_limit = ReadNumber(bytes) != 0;
      break;
    case kDiskPatience:
      spec->disk_patience_ms = ReadNumber(bytes);
      break;
    case kCgroup:
      spec->cgroups.emplace_back(bytes);
      break;
    case kMemoryLimit:
      spec->memory_limit_bytes = ReadNumber(bytes);
      break;
    case kPidsLimit:
      spec->pids_limit = ReadNumber(bytes);
      break;
    case kUser:
      spec->user = ReadUser(bytes);
      break;
    case kNoNewPrivs:
      spec->no_new_privs = ReadNumber(bytes) != 0;
      break;
    default:
      break;  // of a newer agent
  }
}

}  // namespace

std::string EncodeRunSpec(const RunSpec& spec) {
  std::string body;
  AppendField(kShell, spec.shell, &body);
  AppendField(kScript, spec.script, &body);
  AppendField(kAfterScript, spec.after_script, &body);
  for (const std::string& variable : spec.env) AppendField(kEnv, variable, &body);
  for (const std::string& value : spec.masks) AppendField(kMask, value, &body);
  AppendField(kCwd, spec.cwd, &body);
  AppendField(kBootId, spec.boot_id, &body);
  AppendField(kTracePrefix, spec.trace_prefix, &body);
  AppendField(kTimeout, spec.timeout_ms, &body);
  AppendField(kAfterScriptTimeout, spec.after_script_timeout_ms, &body);
  AppendField(kStopGrace, spec.stop_grace_ms, &body);
  AppendField(kLeaseUntil, spec.lease_until_ms, &body);
  AppendField(kTraceLimit, spec.trace_limit_bytes, &body);
  AppendField(kStopOnDisconnect, spec.stop_on_disconnect ? 1 : 0, &body);
  AppendField(kSyncLog, spec.sync_log ? 1 : 0, &body);
  AppendField(kFailAtTraceLimit, spec.fail_at_trace_limit ? 1 : 0, &body);
  AppendField(kDiskPatience, spec.disk_patience_ms, &body);
  for (const std::string& cgroup : spec.cgroups) AppendField(kCgroup, cgroup, &body);
  AppendField(kMemoryLimit, spec.memory_limit_bytes, &body);
  AppendField(kPidsLimit, spec.pids_limit, &body);
  if (spec.user) AppendField(kUser, UserBytes(*spec.user), &body);
  AppendField(kNoNewPrivs, spec.no_new_privs ? 1 : 0, &body);
  std::string frame(kMagic);
  AppendNumber(body.size(), 8, &frame);
  return frame + body;
}

std::optional<uint64_t> RunSpecBodyBytes(std::string_view header) {
  if (header.size() != kRunSpecHeaderBytes || header.substr(0, kMagic.size()) != kMagic) {
    return std::nullopt;
  }
  const uint64_t bytes = ReadNumber(header.substr(kMagic.size()));
  if (bytes > kRunSpecBytesMax) return std::nullopt;
  return bytes;
}

std::optional<RunSpec> DecodeRunSpecBody(std::string_view body) {
  constexpr size_t kFieldHeaderBytes = 5;
  RunSpec spec;
  while (!body.empty()) {
    if (body.size() < kFieldHeaderBytes) return std::nullopt;
    const uint8_t field = static_cast<uint8_t>(body[0]);
    const uint64_t length = ReadNumber(body.substr(1, 4));
    body.remove_prefix(kFieldHeaderBytes);
    if (length > body.size()) return std::nullopt;
    SetField(field, body.substr(0, length), &spec);
    body.remove_prefix(length);
  }
  return spec;
}

}  // namespace grange::shim
