#include "coordinator/source/special_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace grange::source {
namespace {

struct Block4 {
  uint32_t network;
  int bits;
};

constexpr uint32_t Ip4(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// IANA's registry of special-purpose addresses, and multicast.
constexpr std::array<Block4, 15> kSpecial4 = {{
    {Ip4(0, 0, 0, 0), 8},
    {Ip4(10, 0, 0, 0), 8},
    {Ip4(100, 64, 0, 0), 10},
    {Ip4(127, 0, 0, 0), 8},
    {Ip4(169, 254, 0, 0), 16},
    {Ip4(172, 16, 0, 0), 12},
    {Ip4(192, 0, 0, 0), 24},
    {Ip4(192, 0, 2, 0), 24},
    {Ip4(192, 88, 99, 0), 24},
    {Ip4(192, 168, 0, 0), 16},
    {Ip4(198, 18, 0, 0), 15},
    {Ip4(198, 51, 100, 0), 24},
    {Ip4(203, 0, 113, 0), 24},
    {Ip4(224, 0, 0, 0), 4},
    {Ip4(240, 0, 0, 0), 4},
}};

bool IsSpecial4(uint32_t address) {
  return std::any_of(kSpecial4.begin(), kSpecial4.end(), [address](const Block4& block) {
    return (address ^ block.network) >> (32 - block.bits) == 0;
  });
}

bool StartsWith(const uint8_t* bytes, std::initializer_list<uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes);
}

// Global unicast is 2000::/3; of it the tunnels, the protocols' block and documentation are not.
bool IsSpecial6(const uint8_t* bytes) {
  if (StartsWith(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF})) {
    return IsSpecial4(Ip4(bytes[12], bytes[13], bytes[14], bytes[15]));
  }
  if (bytes[0] >> 5 != 1) return true;
  const bool protocols = StartsWith(bytes, {0x20, 0x01}) && bytes[2] < 2;  // 2001::/23
  const bool documentation = StartsWith(bytes, {0x20, 0x01, 0x0D, 0xB8}) ||
                             (StartsWith(bytes, {0x3F, 0xFF}) && bytes[2] < 0x10);
  return protocols || documentation || StartsWith(bytes, {0x20, 0x02});
}

}  // namespace

bool IsSpecialAddress(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return IsSpecial4(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    return IsSpecial6(v6.sin6_addr.s6_addr);
  }
  return true;
}

std::string AddressText(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (address.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  }
  return text;
}

}  // namespace grange::source
