#include "coordinator/session/guess_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"

namespace grange::session {
namespace {

// Who is behind a peer: its address without the port, of IPv6 the network that one customer has.
std::string WhoIs(absl::string_view peer) {
  const size_t colon = peer.rfind(':');
  absl::string_view host = colon == absl::string_view::npos ? peer : peer.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  in6_addr v6{};
  if (inet_pton(AF_INET6, std::string(host).c_str(), &v6) != 1) return std::string(host);
  constexpr size_t kNetworkBytes = 8;
  return std::string(reinterpret_cast<const char*>(v6.s6_addr), kNetworkBytes);
}

}  // namespace

GuessLimit::Address& GuessLimit::Find(absl::string_view peer, absl::Duration now) {
  const auto [found, is_new] = addresses_.try_emplace(WhoIs(peer));
  Address& address = found->second;
  if (is_new) {
    by_use_.push_front(found->first);
    address.place = by_use_.begin();
    address.guesses = wrong_at_once_;
    address.filled_at = now;
    if (addresses_.size() > kAddressesMax) {
      addresses_.erase(by_use_.back());
      by_use_.pop_back();
    }
    return addresses_.find(by_use_.front())->second;
  }
  by_use_.splice(by_use_.begin(), by_use_, address.place);
  address.guesses = std::min<double>(
      wrong_at_once_, address.guesses + absl::FDivDuration(now - address.filled_at, kOneMoreEvery));
  address.filled_at = now;
  return address;
}

absl::Status GuessLimit::Admit(absl::string_view peer, absl::string_view hash,
                               absl::Duration now) {
  base::MutexLock lock(mu_);
  const Address& address = Find(peer, now);
  if (address.guesses >= 1 ||
      std::find(address.right.begin(), address.right.end(), hash) != address.right.end()) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("too many wrong tokens came from this address; try again in ",
                   absl::FormatDuration(absl::Ceil((1 - address.guesses) * kOneMoreEvery,
                                                   absl::Seconds(1)))));
}

void GuessLimit::Right(absl::string_view peer, absl::string_view hash, absl::Duration now) {
  base::MutexLock lock(mu_);
  std::vector<std::string>& right = Find(peer, now).right;
  if (std::find(right.begin(), right.end(), hash) != right.end()) return;
  if (right.size() == kRightMax) right.erase(right.begin());
  right.emplace_back(hash);
}

bool GuessLimit::Wrong(absl::string_view peer, absl::Duration now) {
  base::MutexLock lock(mu_);
  Address& address = Find(peer, now);
  const bool had_more = address.guesses >= 1;
  address.guesses = std::max(0.0, address.guesses - 1);
  return had_more && address.guesses < 1;
}

void AlarmIfGuessed(GuessLimit& guesses, absl::string_view peer, absl::Duration now) {
  if (!guesses.Wrong(peer, now)) return;
  log::Error("tokens_are_guessed",
             {{"from", peer},
              {"wrong", GuessLimit::kWrongAtOnce},
              {"next", "it may try one in 3 s from now on; keep that address out if it goes on"}});
}

}  // namespace grange::session
