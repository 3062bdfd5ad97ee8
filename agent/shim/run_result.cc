#include "agent/shim/run_result.h"

#include <array>
#include <charconv>
#include <utility>

namespace grange::shim {
namespace {

constexpr std::array<std::pair<EndReason, std::string_view>, 10> kReasons = {{
    {EndReason::kExited, "exited"},
    {EndReason::kTimeout, "timeout"},
    {EndReason::kCanceled, "canceled"},
    {EndReason::kLeaseLost, "lease_lost"},
    {EndReason::kPrepareFailed, "prepare_failed"},
    {EndReason::kDiskFull, "disk_full"},
    {EndReason::kTraceLimit, "trace_limit"},
    {EndReason::kMemoryLimit, "memory_limit"},
    {EndReason::kPidsLimit, "pids_limit"},
    {EndReason::kAgentDrained, "agent_drained"},
}};

void AppendLine(std::string_view key, std::string_view value, std::string* out) {
  out->append(key).append("=");
  for (const char c : value) out->push_back(static_cast<unsigned char>(c) < ' ' ? ' ' : c);
  out->push_back('\n');
}

template <typename Number>
bool ParseNumber(std::string_view text, Number* number) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && rest == end;
}

bool ParseReason(std::string_view text, EndReason* reason) {
  for (const auto& [value, name] : kReasons) {
    if (name != text) continue;
    *reason = value;
    return true;
  }
  return false;
}

bool SetValue(std::string_view key, std::string_view value, RunResult* result) {
  if (key == "reason") return ParseReason(value, &result->reason);
  if (key == "exit_code") return ParseNumber(value, &result->exit_code);
  if (key == "signal") return ParseNumber(value, &result->signal);
  if (key == "trace_bytes") return ParseNumber(value, &result->trace_bytes);
  if (key == "dropped_bytes") return ParseNumber(value, &result->dropped_bytes);
  if (key == "duration_us") return ParseNumber(value, &result->duration_us);
  if (key == "cpu_us") return ParseNumber(value, &result->cpu_us);
  if (key == "max_rss_bytes") return ParseNumber(value, &result->max_rss_bytes);
  if (key == "detail") result->detail = value;
  return true;
}

}  // namespace

std::string FormatRunResult(const RunResult& result) {
  std::string text;
  for (const auto& [value, name] : kReasons) {
    if (value == result.reason) AppendLine("reason", name, &text);
  }
  AppendLine("exit_code", std::to_string(result.exit_code), &text);
  AppendLine("signal", std::to_string(result.signal), &text);
  AppendLine("trace_bytes", std::to_string(result.trace_bytes), &text);
  AppendLine("dropped_bytes", std::to_string(result.dropped_bytes), &text);
  AppendLine("duration_us", std::to_string(result.duration_us), &text);
  AppendLine("cpu_us", std::to_string(result.cpu_us), &text);
  AppendLine("max_rss_bytes", std::to_string(result.max_rss_bytes), &text);
  AppendLine("detail", result.detail, &text);
  AppendLine("end", "", &text);
  return text;
}

std::optional<RunResult> ParseRunResult(std::string_view text) {
  RunResult result;
  bool has_reason = false;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    if (newline == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline + 1);
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = line.substr(0, equals);
    if (key == "end") return has_reason ? std::optional(result) : std::nullopt;
    has_reason = has_reason || key == "reason";
    if (!SetValue(key, line.substr(equals + 1), &result)) return std::nullopt;
  }
  return std::nullopt;  // cut off before its end
}

}  // namespace grange::shim
