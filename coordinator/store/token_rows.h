#ifndef GRANGE_COORDINATOR_STORE_TOKEN_ROWS_H_
#define GRANGE_COORDINATOR_STORE_TOKEN_ROWS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/store/connection.h"
#include "coordinator/store/store.h"

// What registering an agent needs of tokens, inside its transaction.
namespace grange::store {

// kNotFound.
absl::StatusOr<TokenRow> FindTokenIn(Connection& connection, absl::string_view hash);
// Whether it may be shown at all, and by `peer` (an address with its port): kNotFound for a token
// of another kind, kPermissionDenied for a revoked or expired one and for a peer outside its
// ranges. Uses are not counted here.
absl::Status CheckRegistrationToken(const TokenRow& token, absl::string_view peer, absl::Time now);
// Puts the token's project and tags on the agent. kPermissionDenied, naming it, for a tag that the
// token does not have.
absl::Status ApplyTokenLimits(const TokenRow& token, AgentRow& agent);
// kPermissionDenied if it is used up.
absl::Status TakeOneUse(Connection& connection, const TokenRow& token);

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_TOKEN_ROWS_H_
