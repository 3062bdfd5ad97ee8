#ifndef GRANGE_COORDINATOR_CONTROL_REQUEST_KEY_H_
#define GRANGE_COORDINATOR_CONTROL_REQUEST_KEY_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/mutex.h"
#include "coordinator/control/access.h"

namespace grange::control {

// The key under which the answer of a call is stored. What a client sends as its request key counts
// for the same call with the same token only: nobody gets the answer of somebody else, or of
// another call. "" for "". kInvalidArgument for one of more than 256 bytes.
absl::StatusOr<std::string> BindKey(absl::string_view call, const User& user,
                                    absl::string_view request_key);

// Lets the calls with one key in one after the other: the second finds the answer of the first,
// also when it came while the first was at work. Thread-safe; waiting blocks the thread.
class KeyGate {
 public:
  // Holds the gate of its key, if it has one, until it goes.
  class Turn {
   public:
    Turn(KeyGate& gate, const std::string& key);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    KeyGate& gate_;
    const std::string key_;
  };

 private:
  base::Mutex mu_;
  base::CondVar left_;
  std::set<std::string> inside_ ABSL_GUARDED_BY(mu_);  // at most one for each call at work
};

}  // namespace grange::control

#endif  // GRANGE_COORDINATOR_CONTROL_REQUEST_KEY_H_
