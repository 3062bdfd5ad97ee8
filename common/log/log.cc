#include "common/log/log.h"

#define SPDLOG_FMT_EXTERNAL
#define SPDLOG_NO_THREAD_ID
#define FMT_HEADER_ONLY
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "absl/strings/escaping.h"

namespace grange::log {
namespace {

std::string Quoted(absl::string_view value) {
  bool plain = !value.empty();
  for (const char c : value) {
    if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f) plain = false;
  }
  if (plain) return std::string(value);
  return absl::StrCat("\"", absl::Utf8SafeCEscape(value), "\"");
}

spdlog::logger& Logger() {
  static spdlog::logger* const logger = [] {
    auto* made = new spdlog::logger("grange", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %L %v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

void Write(spdlog::level::level_enum level, absl::string_view event,
           std::initializer_list<Field> fields) {
  if (!Logger().should_log(level)) return;
  std::string line(event);
  for (const Field& field : fields) {
    absl::StrAppend(&line, " ", field.name(), "=", Quoted(field.value()));
  }
  Logger().log(level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void SetLevel(Level level) {
  switch (level) {
    case Level::kDebug:
      return Logger().set_level(spdlog::level::debug);
    case Level::kInfo:
      return Logger().set_level(spdlog::level::info);
    case Level::kWarning:
      return Logger().set_level(spdlog::level::warn);
    case Level::kError:
      return Logger().set_level(spdlog::level::err);
    case Level::kNothing:
      return Logger().set_level(spdlog::level::off);
  }
}

void Debug(absl::string_view event, std::initializer_list<Field> fields) {
  Write(spdlog::level::debug, event, fields);
}
void Info(absl::string_view event, std::initializer_list<Field> fields) {
  Write(spdlog::level::info, event, fields);
}
void Warning(absl::string_view event, std::initializer_list<Field> fields) {
  Write(spdlog::level::warn, event, fields);
}
void Error(absl::string_view event, std::initializer_list<Field> fields) {
  Write(spdlog::level::err, event, fields);
}

}  // namespace grange::log
