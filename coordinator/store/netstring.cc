#include "coordinator/store/netstring.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace grange::store {

std::string EncodeList(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) absl::StrAppend(&text, item.size(), ":", item, ",");
  return text;
}

std::string EncodePairs(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string text;
  for (const auto& [name, value] : items) {
    absl::StrAppend(&text, name.size(), ":", name, ",", value.size(), ":", value, ",");
  }
  return text;
}

absl::StatusOr<std::vector<std::string>> DecodeList(absl::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t colon = text.find(':');
    size_t size = 0;
    if (colon == absl::string_view::npos || !absl::SimpleAtoi(text.substr(0, colon), &size) ||
        size >= text.size() - colon - 1 || text[colon + 1 + size] != ',') {
      return absl::DataLossError("a list in the database is damaged");
    }
    items.emplace_back(text.substr(colon + 1, size));
    text.remove_prefix(colon + size + 2);
  }
  return items;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> DecodePairs(
    absl::string_view text) {
  GRANGE_ASSIGN_OR_RETURN(std::vector<std::string> flat, DecodeList(text));
  if (flat.size() % 2 != 0) return absl::DataLossError("a list in the database is damaged");
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(flat.size() / 2);
  for (size_t i = 0; i < flat.size(); i += 2) {
    pairs.emplace_back(std::move(flat[i]), std::move(flat[i + 1]));
  }
  return pairs;
}

}  // namespace grange::store
