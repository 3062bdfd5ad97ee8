#include "common/text/address_range.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace grange::text {
namespace {

constexpr int kBits = 128;
constexpr int kBitsBeforeV4 = 96;  // of "::ffff:0:0"
constexpr size_t kBytesBeforeV4 = kBitsBeforeV4 / 8;
constexpr std::array<uint8_t, kBytesBeforeV4> kV4Front = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

// The bits of byte `i` that are among the first `bits`.
uint8_t Mask(int i, int bits) {
  const int in_byte = std::clamp(bits - 8 * i, 0, 8);
  return static_cast<uint8_t>(0xFF00 >> in_byte);
}

absl::Status Refuse(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "'", text, "' is no range of addresses: ", why,
      "; write an address such as 10.1.2.3, or a network such as 10.1.0.0/16 or 2001:db8::/32"));
}

}  // namespace

std::optional<IpAddress> IpAddress::Parse(absl::string_view text) {
  const std::string host(text.substr(0, text.find('%')));
  IpAddress address;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1 && host.size() == text.size()) {
    std::ranges::copy(kV4Front, address.bytes_.begin());
    const auto* const bytes = reinterpret_cast<const uint8_t*>(&v4.s_addr);  // in network order
    std::copy(bytes, bytes + sizeof v4.s_addr, address.bytes_.begin() + kBytesBeforeV4);
    return address;
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return std::nullopt;
  std::copy(std::begin(v6.s6_addr), std::end(v6.s6_addr), address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::OfPeer(absl::string_view peer) {
  const size_t colon = peer.rfind(':');
  if (colon == absl::string_view::npos) return std::nullopt;
  absl::string_view host = peer.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return Parse(host);
}

bool IpAddress::is_v4() const {
  return std::equal(kV4Front.begin(), kV4Front.end(), bytes_.begin());
}

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (is_v4()) {
    inet_ntop(AF_INET, bytes_.data() + kBytesBeforeV4, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
  }
  return text;
}

absl::StatusOr<AddressRange> AddressRange::Parse(absl::string_view text) {
  const size_t slash = text.find('/');
  const absl::string_view host = text.substr(0, slash);
  const std::optional<IpAddress> address = IpAddress::Parse(host);
  if (!address.has_value() || host.find('%') != absl::string_view::npos) {
    return Refuse(text,
                  host.empty() ? "it has no address" : absl::StrCat("'", host, "' is no address"));
  }
  AddressRange range;
  range.network_ = *address;
  range.bits_ = kBits;
  if (slash == absl::string_view::npos) return range;
  // What was written as version 4 counts its bits from the front of those four bytes.
  const bool written_as_v4 = host.find(':') == absl::string_view::npos;
  const int bits_max = written_as_v4 ? kBits - kBitsBeforeV4 : kBits;
  const absl::string_view number = text.substr(slash + 1);
  int bits = 0;
  const bool digits = !number.empty() && std::ranges::all_of(number, absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(number, &bits) || bits > bits_max) {
    return Refuse(text, absl::StrCat("behind '/' stands a number from 0 to ", bits_max));
  }
  range.bits_ = bits + kBits - bits_max;
  // The front of "::ffff:0:0" is what says that it is version 4: a part of it says nothing.
  if (range.network_.is_v4() && range.bits_ < kBitsBeforeV4) {
    return Refuse(text, absl::StrCat("of an address of version 4 in one of version 6 at least the "
                                     "first ",
                                     kBitsBeforeV4, " bits count"));
  }
  std::array<uint8_t, 16> network = address->bytes();
  for (int i = 0; i < kBits / 8; ++i) network[static_cast<size_t>(i)] &= Mask(i, range.bits_);
  if (network != address->bytes()) {
    char meant[INET6_ADDRSTRLEN] = "";
    if (written_as_v4) {
      inet_ntop(AF_INET, network.data() + kBytesBeforeV4, meant, sizeof meant);
    } else {
      inet_ntop(AF_INET6, network.data(), meant, sizeof meant);
    }
    return Refuse(text, absl::StrCat("'", host, "' has more than its first ", bits, " bits; is ",
                                     meant, "/", bits, " meant, or ", host, " alone"));
  }
  return range;
}

bool AddressRange::Contains(const IpAddress& address) const {
  if (address.is_v4() != network_.is_v4()) return false;
  for (int i = 0; i < kBits / 8; ++i) {
    const size_t at = static_cast<size_t>(i);
    if ((address.bytes()[at] & Mask(i, bits_)) != network_.bytes()[at]) return false;
  }
  return true;
}

std::string AddressRange::ToString() const {
  if (bits_ == kBits) return network_.ToString();
  const int bits = network_.is_v4() ? bits_ - kBitsBeforeV4 : bits_;
  return absl::StrCat(network_.ToString(), "/", bits);
}

}  // namespace grange::text
