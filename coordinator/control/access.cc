#include "coordinator/control/access.h"

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/rpc/token_text.h"

namespace grange::control {

absl::StatusOr<Role> ParseRole(absl::string_view name) {
  if (name == "admin") return Role::kAdmin;
  if (name == "developer") return Role::kDeveloper;
  if (name == "viewer") return Role::kViewer;
  return absl::InvalidArgumentError(
      absl::StrCat("unknown role '", name, "'; it is admin, developer or viewer"));
}

absl::string_view RoleName(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kDeveloper:
      return "developer";
    case Role::kAdmin:
      return "admin";
  }
  return "";
}

absl::StatusOr<User> Authorize(store::Store& store, absl::string_view token, Role needed,
                               absl::Time now) {
  if (token.empty()) {
    return absl::UnauthenticatedError(
        "no token was sent; use a configuration file with 'token:' (--config)");
  }
  const absl::StatusOr<store::TokenRow> row = store.FindToken(rpc::TokenHash(token));
  if (absl::IsNotFound(row.status()) || (row.ok() && row->kind != store::TokenRow::Kind::kUser)) {
    return absl::UnauthenticatedError(
        "the coordinator does not know this token; ask an administrator for a new one ('grangectl "
        "token create --user NAME --role ROLE')");
  }
  GRANGE_RETURN_IF_ERROR(row.status());
  if (row->revoked) return absl::UnauthenticatedError("this token was revoked");
  if (row->expires_at <= now) {
    return absl::UnauthenticatedError(
        absl::StrCat("this token expired at ", absl::FormatTime(row->expires_at)));
  }
  GRANGE_ASSIGN_OR_RETURN(const Role role, ParseRole(row->role));
  if (role < needed) {
    return absl::PermissionDeniedError(absl::StrCat("this needs the role ", RoleName(needed), ", '",
                                                    row->user, "' has ", RoleName(role)));
  }
  return User{.token = row->id, .name = row->user, .role = role};
}

}  // namespace grange::control
