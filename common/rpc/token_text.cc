#include "common/rpc/token_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/random.h"
#include "common/os/sha256.h"

namespace grange::rpc {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr absl::string_view kRegistrationPrefix = "grange-reg-";

absl::string_view Prefix(TokenKind kind) {
  switch (kind) {
    case TokenKind::kRegistration:
      return kRegistrationPrefix;
    case TokenKind::kUser:
      return "grange-user-";
    case TokenKind::kAgent:
      return "grange-agent-";
  }
  return "";
}

}  // namespace

std::string NewToken(TokenKind kind) {
  return absl::StrCat(Prefix(kind), absl::WebSafeBase64Escape(os::RandomBytes(kSecretBytes)));
}

std::string TokenHash(absl::string_view token) {
  return os::Sha256Of(token.substr(0, token.find('.')));
}

absl::StatusOr<RegistrationToken> SplitRegistrationToken(absl::string_view text) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(text);
  const size_t dot = trimmed.find('.');
  RegistrationToken split{.token = std::string(trimmed.substr(0, dot)), .fingerprint = ""};
  if (dot != absl::string_view::npos) split.fingerprint = std::string(trimmed.substr(dot + 1));
  const bool hex = std::all_of(split.fingerprint.begin(), split.fingerprint.end(),
                               [](char c) { return absl::ascii_isxdigit(c); });
  if (!absl::StartsWith(split.token, kRegistrationPrefix) || split.token.size() < 40 ||
      (dot != absl::string_view::npos && (split.fingerprint.size() != 64 || !hex))) {
    return absl::InvalidArgumentError(
        "this is no registration token; one starts with 'grange-reg-' and is printed by "
        "'grangectl token create --registration': copy all of it");
  }
  return split;
}

}  // namespace grange::rpc
