#ifndef GRANGE_COMMON_TEXT_ADDRESS_RANGE_H_
#define GRANGE_COMMON_TEXT_ADDRESS_RANGE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Addresses of machines and ranges of them, as people write them. Pure.
namespace grange::text {

// An address of IP. One of version 4 that is written as one of version 6 ("::ffff:10.1.2.3") is the
// one of version 4: a server that listens for both sees its peers so.
class IpAddress {
 public:
  // "10.1.2.3", "2001:db8::1", "fe80::1%eth0" (the zone is dropped); nullopt for anything else.
  static std::optional<IpAddress> Parse(absl::string_view text);
  // Of a peer with its port, "10.1.2.3:41022" or "[2001:db8::1]:41022"; nullopt if it has no
  // address, as one of a Unix socket.
  static std::optional<IpAddress> OfPeer(absl::string_view peer);

  bool is_v4() const;
  // 16 bytes, most significant first; those of version 4 in the form "::ffff:a.b.c.d".
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  std::string ToString() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

// The addresses that share a front: "10.1.0.0/16", "2001:db8::/32"; or a single one, "10.1.2.3".
class AddressRange {
 public:
  // kInvalidArgument naming `text`, with what is wrong and what is taken. An address that is no
  // network's, as in "10.1.2.3/16", is refused with the one that may be meant.
  static absl::StatusOr<AddressRange> Parse(absl::string_view text);

  // Never one of the other version: "::/0" has no address of version 4.
  bool Contains(const IpAddress& address) const;
  // As Parse() takes it: in the shortest form, a single address without "/".
  std::string ToString() const;

  friend bool operator==(const AddressRange&, const AddressRange&) = default;

 private:
  IpAddress network_;
  int bits_ = 0;  // of the 16 bytes
};

}  // namespace grange::text

#endif  // GRANGE_COMMON_TEXT_ADDRESS_RANGE_H_
