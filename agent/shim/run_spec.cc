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
