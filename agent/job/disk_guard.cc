#include "agent/job/disk_guard.h"

#include <algorithm>

namespace grange::job {
namespace {

// Of equals the first, so that the same sizes always give the same answer.
std::vector<DiskUse>::const_iterator Largest(const std::vector<DiskUse>& uses) {
  return std::ranges::max_element(uses, {}, &DiskUse::written);
}

}  // namespace

DiskGuard::Order DiskGuard::Look(uint64_t free_bytes, absl::Duration now) {
  if (free_bytes >= limits_.pause_free_bytes) {
    short_since_.reset();
    return {};
  }
  if (!short_since_.has_value()) short_since_ = now;
  Order order{.pause = true, .fail_largest = now - *short_since_ >= limits_.fail_after};
  if (order.fail_largest) short_since_ = now;
  return order;
}

std::optional<DiskUse> DiskGuard::ToFail(const std::vector<DiskUse>& uses) {
  const auto largest = Largest(uses);
  if (largest == uses.end() || !largest->runs) return std::nullopt;
  return *largest;
}

std::optional<DiskUse> DiskGuard::IfLargest(const std::vector<DiskUse>& uses,
                                            const Assignment& assignment) {
  const auto largest = Largest(uses);
  if (largest == uses.end() || largest->assignment != assignment) return std::nullopt;
  return *largest;
}

}  // namespace grange::job
