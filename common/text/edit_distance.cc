#include "common/text/edit_distance.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace grange::text {
namespace {

// Longer names are not typed by hand: no suggestion is worth the time.
constexpr size_t kNameBytesMax = 255;

// Letters added, removed, replaced, and neighbours swapped, or limit + 1 if there are more than
// `limit`. Three rows of the usual table, as the swap looks two rows back.
size_t Distance(absl::string_view a, absl::string_view b, size_t limit) {
  const size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (difference > limit) return limit + 1;
  std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    size_t best = row[0];
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
      best = std::min(best, row[j]);
    }
    if (best > limit + 1) return limit + 1;
    std::swap(before, previous);
    std::swap(previous, row);
  }
  return previous[b.size()];
}

}  // namespace

std::string Nearest(absl::string_view name, const std::vector<std::string>& candidates) {
  if (name.size() > kNameBytesMax) return "";
  size_t limit = name.size() / 3;
  const std::string* nearest = nullptr;
  for (const std::string& candidate : candidates) {
    if (candidate.empty()) continue;
    const size_t distance = Distance(name, candidate, limit);
    if (distance > limit || distance == 0) continue;
    nearest = &candidate;
    if (distance == 1) break;
    limit = distance - 1;  // only a better one replaces it: of equals the first stays
  }
  return nearest == nullptr ? "" : *nearest;
}

bool IsOneSlipFrom(absl::string_view name, absl::string_view meant) {
  constexpr size_t kNameBytesMin = 5;
  return name.size() >= kNameBytesMin && name.size() <= kNameBytesMax &&
         Distance(name, meant, 1) == 1;
}

std::string DidYouMean(absl::string_view name, const std::vector<std::string>& candidates) {
  const std::string nearest = Nearest(name, candidates);
  return nearest.empty() ? "" : absl::StrCat("; did you mean '", nearest, "'?");
}

}  // namespace grange::text
