#ifndef GRANGE_COMMON_RPC_TOKEN_TEXT_H_
#define GRANGE_COMMON_RPC_TOKEN_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// The texts of tokens (docs/formats/tokens.md). The secret part is 32 random bytes in base64url;
// only its SHA-256 is stored.
//   registration  grange-reg-<secret>.<fingerprint of the coordinator's CA, 64 hex digits>
//   user          grange-user-<secret>
//   agent         grange-agent-<secret>
namespace grange::rpc {

enum class TokenKind { kRegistration, kUser, kAgent };

// A new token of `kind`; without the fingerprint.
std::string NewToken(TokenKind kind);
// What is stored of it and looked up by: SHA-256 of the text before the '.'.
std::string TokenHash(absl::string_view token);

struct RegistrationToken {
  std::string token;        // to be sent
  std::string fingerprint;  // of the CA; "" for a coordinator without TLS
};
// kInvalidArgument, with what a token looks like, if it isn't one.
absl::StatusOr<RegistrationToken> SplitRegistrationToken(absl::string_view text);

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_TOKEN_TEXT_H_
