#ifndef GRANGE_COORDINATOR_CONTROL_ACCESS_H_
#define GRANGE_COORDINATOR_CONTROL_ACCESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "coordinator/store/store.h"

namespace grange::control {

// What a user may do; each includes the ones before it.
enum class Role { kViewer, kDeveloper, kAdmin };

absl::StatusOr<Role> ParseRole(absl::string_view name);
absl::string_view RoleName(Role role);

struct User {
  TokenId token;  // that the call came with
  std::string name;
  Role role = Role::kViewer;
};

// Who calls with this bearer token, if that user may do what needs `needed`. kUnauthenticated
// (unknown, expired, revoked: the text says which), kPermissionDenied naming both roles.
absl::StatusOr<User> Authorize(store::Store& store, absl::string_view token, Role needed,
                               absl::Time now);

}  // namespace grange::control

#endif  // GRANGE_COORDINATOR_CONTROL_ACCESS_H_
