#include "coordinator/source/special_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>

#include "gtest/gtest.h"

namespace grange::source {
namespace {

bool IsSpecial(const std::string& text) {
  sockaddr_storage storage{};
  if (text.find(':') == std::string::npos) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    EXPECT_EQ(inet_pton(AF_INET, text.c_str(), &v4.sin_addr), 1) << text;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
  }
  const auto& address = reinterpret_cast<const sockaddr&>(storage);
  EXPECT_EQ(AddressText(address), text);
  return IsSpecialAddress(address);
}

TEST(SpecialAddressTest, KnowsThoseThatAreNotOfThePublicInternet) {
  for (const char* text :
       {"127.0.0.1",       "127.255.255.255", "0.0.0.0",         "10.1.2.3",   "172.16.0.1",
        "172.31.255.255",  "192.168.1.1",     "169.254.169.254", "100.64.0.1", "192.0.2.1",
        "198.19.0.1",      "224.0.0.1",       "255.255.255.255", "::1",        "::",
        "fe80::1",         "fc00::1",         "fd12::1",         "ff02::1",    "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",   "2001::1",    "2001:db8::1",
        "3fff::1"}) {
    EXPECT_TRUE(IsSpecial(text)) << text;
  }
}

TEST(SpecialAddressTest, LetsPublicOnesPass) {
  for (const char* text :
       {"1.1.1.1", "9.255.255.255", "172.32.0.1", "192.169.0.1", "100.128.0.1", "223.255.255.255",
        "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1", "2001:200::1"}) {
    EXPECT_FALSE(IsSpecial(text)) << text;
  }
}

TEST(SpecialAddressTest, TakesOtherFamiliesForSpecial) {
  sockaddr address{};
  address.sa_family = AF_UNIX;
  EXPECT_TRUE(IsSpecialAddress(address));
}

}  // namespace
}  // namespace grange::source
