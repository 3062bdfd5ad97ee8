#include "coordinator/pipeline/resource_group.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/pipeline/limits.h"

namespace grange::pipeline {

absl::Status CheckResourceGroup(absl::string_view name) {
  if (name.size() > kExpandedNameMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the name of a 'resource_group' has at most ", kExpandedNameMax, " bytes"));
  }
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains(" -_/${}.", c);
  });
  if (plain && !name.empty() && name.front() != '/' && name.back() != '/') {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", name, "' can't name a 'resource_group'; it takes letters, digits, blanks ",
                   "and '-_/${}.', without a slash at its ends"));
}

}  // namespace grange::pipeline
