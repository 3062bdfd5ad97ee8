#include "coordinator/pipeline/slug.h"

#include "absl/strings/ascii.h"

namespace grange::pipeline {

std::string Slug(absl::string_view name) {
  constexpr size_t kBytesMax = 63;
  std::string slug;
  for (const char c : name.substr(0, kBytesMax)) {
    const char lower = absl::ascii_tolower(c);
    slug.push_back(absl::ascii_isalnum(lower) ? lower : '-');
  }
  const size_t first = slug.find_first_not_of('-');
  if (first == std::string::npos) return "";
  return slug.substr(first, slug.find_last_not_of('-') - first + 1);
}

}  // namespace grange::pipeline
