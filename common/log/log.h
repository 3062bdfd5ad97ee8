#ifndef GRANGE_COMMON_LOG_LOG_H_
#define GRANGE_COMMON_LOG_LOG_H_

#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/id.h"

// What our own programs say, on stderr: one event per line, a fixed name, then fields. Never the
// output of a job (that is its trace), never a secret. Thread-safe.
namespace grange::log {

enum class Level { kDebug, kInfo, kWarning, kError, kNothing };

// One name=value of a line. A value with blanks or quotes is quoted; control characters are
// escaped, so that foreign text cannot forge a line.
class Field {
 public:
  Field(absl::string_view name, absl::string_view value) : name_(name), value_(value) {}
  Field(absl::string_view name, const char* value) : name_(name), value_(value) {}
  Field(absl::string_view name, const std::string& value) : name_(name), value_(value) {}
  Field(absl::string_view name, int64_t value) : name_(name), value_(absl::StrCat(value)) {}
  Field(absl::string_view name, uint64_t value) : name_(name), value_(absl::StrCat(value)) {}
  Field(absl::string_view name, int value) : name_(name), value_(absl::StrCat(value)) {}
  Field(absl::string_view name, const absl::Status& value)
      : name_(name), value_(value.ToString()) {}
  Field(absl::string_view name, absl::Duration value)
      : name_(name), value_(absl::FormatDuration(value)) {}
  template <typename Tag>
  Field(absl::string_view name, Id<Tag> id) : name_(name), value_(absl::StrCat(id.value())) {}
  Field(absl::string_view name, const Assignment& a) : name_(name), value_(a.ToString()) {}

  absl::string_view name() const { return name_; }
  absl::string_view value() const { return value_; }

 private:
  absl::string_view name_;
  std::string value_;
};

// Lines below `level` are dropped. Called once, by main(); the default is kInfo.
void SetLevel(Level level);

void Debug(absl::string_view event, std::initializer_list<Field> fields = {});
// A pipeline's story in ten lines.
void Info(absl::string_view event, std::initializer_list<Field> fields = {});
// The farm healed itself.
void Warning(absl::string_view event, std::initializer_list<Field> fields = {});
// A person must act.
void Error(absl::string_view event, std::initializer_list<Field> fields = {});

}  // namespace grange::log

#endif  // GRANGE_COMMON_LOG_LOG_H_
