#include "common/text/size_text.h"

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace grange::text {
namespace {

constexpr double kSizeMax = uint64_t{1} << 60;
constexpr absl::string_view kLetters = "kmgt";
constexpr std::array<absl::string_view, 5> kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB"};

}  // namespace

absl::StatusOr<uint64_t> ParseSize(absl::string_view text) {
  const absl::Status wrong = absl::InvalidArgumentError(
      absl::StrCat("'", text.substr(0, 100), "' is no size; write it as 512MiB or 2GiB"));
  std::string unit = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  const size_t digits = unit.find_first_not_of("0123456789.");
  const std::string number = unit.substr(0, digits);
  unit = digits == std::string::npos
             ? ""
             : std::string(absl::StripLeadingAsciiWhitespace(unit.substr(digits)));
  double size = 0;
  if (number.empty() || number.size() > 20 || !absl::SimpleAtod(number, &size)) return wrong;
  absl::string_view rest = unit;
  if (!absl::ConsumeSuffix(&rest, "bytes") && !absl::ConsumeSuffix(&rest, "ib")) {
    absl::ConsumeSuffix(&rest, "b");
  } else if (rest.empty() != (unit == "bytes")) {
    return wrong;
  }
  if (rest.size() > 1) return wrong;
  const size_t power = rest.empty() ? 0 : kLetters.find(rest[0]) + 1;
  if (!rest.empty() && power == 0) return wrong;  // npos + 1
  for (size_t i = 0; i < power; ++i) size *= 1024;
  if (size > kSizeMax) return wrong;
  return static_cast<uint64_t>(size);
}

std::string FormatSize(uint64_t bytes) {
  // The largest unit in which it is a number of quarters.
  for (size_t power = kUnits.size() - 1; power > 0; --power) {
    const uint64_t unit = uint64_t{1} << 10 * power;
    if (bytes < unit || bytes % (unit / 4) != 0) continue;
    return absl::StrCat(static_cast<double>(bytes) / static_cast<double>(unit), " ", kUnits[power]);
  }
  return absl::StrCat(bytes, " ", kUnits[0]);
}

}  // namespace grange::text
