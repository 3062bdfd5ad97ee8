#ifndef GRANGE_COMMON_BASE_STATUS_MACROS_H_
#define GRANGE_COMMON_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

// Leaves the function with the error of `expression`, if it has one.
#define GRANGE_RETURN_IF_ERROR(expression)                                    \
  do {                                                                        \
    if (::absl::Status grange_status_ = (expression); !grange_status_.ok()) { \
      return grange_status_;                                                  \
    }                                                                         \
  } while (false)

#define GRANGE_CONCAT_INNER_(a, b) a##b
#define GRANGE_CONCAT_(a, b) GRANGE_CONCAT_INNER_(a, b)

// GRANGE_ASSIGN_OR_RETURN(const Foo foo, MakeFoo()): the value, or leaves with its error.
#define GRANGE_ASSIGN_OR_RETURN(target, expression) \
  GRANGE_ASSIGN_OR_RETURN_(GRANGE_CONCAT_(grange_statusor_, __LINE__), target, expression)
#define GRANGE_ASSIGN_OR_RETURN_(temporary, target, expression) \
  auto temporary = (expression);                                \
  if (!temporary.ok()) return std::move(temporary).status();    \
  target = *std::move(temporary)

namespace grange {

// The same error with "<context>: " before its text: once per layer. An OK status stays OK.
inline absl::Status Annotate(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(context, ": ", status.message()));
}

}  // namespace grange

#endif  // GRANGE_COMMON_BASE_STATUS_MACROS_H_
