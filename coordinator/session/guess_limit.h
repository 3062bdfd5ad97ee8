#ifndef GRANGE_COORDINATOR_SESSION_GUESS_LIMIT_H_
#define GRANGE_COORDINATOR_SESSION_GUESS_LIMIT_H_

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/mutex.h"

namespace grange::session {

// Slows down who guesses tokens. An address may send a few wrong ones; then one each few seconds is
// looked at, and all others are refused unseen. What was right from that address before goes
// through all the same: many people may stand behind one address.
//
// Both doors share one. Credentials come here as their hashes. Thread-safe.
class GuessLimit {
 public:
  static constexpr int kWrongAtOnce = 20;
  static constexpr absl::Duration kOneMoreEvery = absl::Seconds(3);
  static constexpr size_t kAddressesMax = 10'000;  // the longest unheard of is forgotten
  static constexpr size_t kRightMax = 64;          // remembered of each address

  explicit GuessLimit(int wrong_at_once = kWrongAtOnce) : wrong_at_once_(wrong_at_once) {}

  // Of an address ("192.0.2.7:41022", "[2001:db8::1]:41022"), whether the credential may be looked
  // up at `now` (since boot). kResourceExhausted says how long to wait.
  absl::Status Admit(absl::string_view peer, absl::string_view hash, absl::Duration now)
      ABSL_LOCKS_EXCLUDED(mu_);
  // What the look-up found. Wrong() is true where this one used up the address's guesses: a person
  // should know.
  void Right(absl::string_view peer, absl::string_view hash, absl::Duration now)
      ABSL_LOCKS_EXCLUDED(mu_);
  [[nodiscard]] bool Wrong(absl::string_view peer, absl::Duration now) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Address {
    double guesses = 0;  // that may still be wrong
    absl::Duration filled_at;
    std::vector<std::string> right;  // the newest last
    std::list<std::string>::iterator place;
  };
  Address& Find(absl::string_view peer, absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const int wrong_at_once_;
  base::Mutex mu_;
  absl::flat_hash_map<std::string, Address> addresses_ ABSL_GUARDED_BY(mu_);
  std::list<std::string> by_use_ ABSL_GUARDED_BY(mu_);  // the newest first
};

// Wrong(), and a line of the log for the operator where it is true.
void AlarmIfGuessed(GuessLimit& guesses, absl::string_view peer, absl::Duration now);

}  // namespace grange::session

#endif  // GRANGE_COORDINATOR_SESSION_GUESS_LIMIT_H_
