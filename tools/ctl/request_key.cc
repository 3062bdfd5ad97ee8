#include "tools/ctl/request_key.h"

#include <stdlib.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/os/random.h"
#include "tools/ctl/exit_code.h"

namespace grange::ctl {
namespace {

constexpr size_t kKeyBytes = 16;

bool IsHex(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

}  // namespace

void AddRequestKeyOption(CLI::App* command, std::string& hex) {
  command
      ->add_option("--request-key", hex,
                   "32 hex digits that name this request: the same command with the same key again "
                   "gives the first answer and changes nothing (default: $GRANGE_REQUEST_KEY, else "
                   "a new one)")
      ->type_name("HEX");
}

absl::StatusOr<std::string> RequestKey(const std::string& hex) {
  std::string text = hex;
  if (const char* variable = ::getenv("GRANGE_REQUEST_KEY"); text.empty() && variable != nullptr) {
    text = variable;
  }
  if (text.empty()) return os::RandomBytes(kKeyBytes);
  if (text.size() != 2 * kKeyBytes || !IsHex(text)) {
    return UsageError(absl::StrCat("the request key '", text,
                                   "' is not 32 hex digits; make one with: openssl rand -hex 16"));
  }
  return absl::HexStringToBytes(text);
}

}  // namespace grange::ctl
