#ifndef GRANGE_COORDINATOR_STORE_NETSTRING_H_
#define GRANGE_COORDINATOR_STORE_NETSTRING_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Lists of byte strings in one column: "5:hello,0:,". Unlike JSON it takes all bytes, also those
// that are no UTF-8, and gives them back as they were. Pure.
namespace grange::store {

std::string EncodeList(const std::vector<std::string>& items);
std::string EncodePairs(const std::vector<std::pair<std::string, std::string>>& items);

// kDataLoss for anything that Encode… did not write.
absl::StatusOr<std::vector<std::string>> DecodeList(absl::string_view text);
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> DecodePairs(
    absl::string_view text);

}  // namespace grange::store

#endif  // GRANGE_COORDINATOR_STORE_NETSTRING_H_
