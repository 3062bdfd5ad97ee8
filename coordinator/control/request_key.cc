#include "coordinator/control/request_key.h"

#include "absl/strings/str_cat.h"

namespace grange::control {
namespace {

constexpr size_t kKeyBytesMax = 256;

}  // namespace

absl::StatusOr<std::string> BindKey(absl::string_view call, const User& user,
                                    absl::string_view request_key) {
  if (request_key.empty()) return "";
  if (request_key.size() > kKeyBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("a request key of ", request_key.size(),
                                                   " bytes; at most ", kKeyBytesMax, " are taken"));
  }
  return absl::StrCat(call, "/", user.token.value(), "/", request_key);
}

KeyGate::Turn::Turn(KeyGate& gate, const std::string& key) : gate_(gate), key_(key) {
  if (key_.empty()) return;
  base::MutexLock lock(gate_.mu_);
  while (!gate_.inside_.insert(key_).second) gate_.left_.Wait(gate_.mu_);
}

KeyGate::Turn::~Turn() {
  if (key_.empty()) return;
  base::MutexLock lock(gate_.mu_);
  gate_.inside_.erase(key_);
  gate_.left_.SignalAll();
}

}  // namespace grange::control
