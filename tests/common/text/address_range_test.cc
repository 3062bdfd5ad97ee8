#include "common/text/address_range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace grange::text {
namespace {

using ::testing::HasSubstr;

struct ContainsCase {
  std::string range;
  std::string address;
  bool contains;
};

TEST(AddressRangeTest, T1ContainsTheAddressesOfItsNetworkAndOfItsVersionOnly) {
  const std::vector<ContainsCase> cases = {
      {"10.1.0.0/16", "10.1.0.0", true},
      {"10.1.0.0/16", "10.1.255.255", true},
      {"10.1.0.0/16", "10.2.0.0", false},
      {"10.1.0.0/16", "10.0.255.255", false},
      {"10.1.2.0/23", "10.1.3.9", true},
      {"10.1.2.0/23", "10.1.4.0", false},
      {"10.1.2.3", "10.1.2.3", true},
      {"10.1.2.3", "10.1.2.4", false},
      {"10.1.2.3/32", "10.1.2.3", true},
      {"0.0.0.0/0", "255.255.255.255", true},
      {"10.1.0.0/16", "::ffff:10.1.2.3", true},  // as a socket for both versions shows it
      {"10.1.0.0/16", "::ffff:10.2.2.3", false},
      {"::ffff:10.1.0.0/112", "10.1.2.3", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "10.1.2.3", false},
      {"::/0", "::ffff:10.1.2.3", false},
      {"::/0", "2001:db8::1", true},
      {"2001:db8::/32", "2001:db8:ffff::1", true},
      {"2001:db8::/32", "2001:db9::1", false},
      {"2001:db8::/33", "2001:db8:8000::", false},
      {"fe80::1", "fe80::1%eth0", true},
      {"::1", "::1", true},
      {"::1", "::2", false},
  };
  for (const ContainsCase& c : cases) {
    const absl::StatusOr<AddressRange> range = AddressRange::Parse(c.range);
    ASSERT_TRUE(range.ok()) << range.status();
    const std::optional<IpAddress> address = IpAddress::Parse(c.address);
    ASSERT_TRUE(address.has_value()) << c.address;
    EXPECT_EQ(range->Contains(*address), c.contains) << c.range << " " << c.address;
  }
}

TEST(AddressRangeTest, T1RefusesWhatIsNoRangeNamingItAndWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "it has no address"},
      {"/16", "it has no address"},
      {"10.1", "'10.1' is no address"},
      {"10.1.0.0.0", "is no address"},
      {"256.0.0.1", "is no address"},
      {"build.example.com", "is no address"},
      {"10.1.2.3 ", "is no address"},
      {"10.1.2.3%eth0", "is no address"},
      {"fe80::1%eth0", "is no address"},
      {"10.1.0.0/33", "a number from 0 to 32"},
      {"10.1.0.0/", "a number from 0 to 32"},
      {"10.1.0.0/-1", "a number from 0 to 32"},
      {"10.1.0.0/+8", "a number from 0 to 32"},
      {"10.1.0.0/16/8", "a number from 0 to 32"},
      {"10.1.0.0/255.255.0.0", "a number from 0 to 32"},
      {"2001:db8::/129", "a number from 0 to 128"},
      {"10.1.2.3/16", "is 10.1.0.0/16 meant, or 10.1.2.3 alone"},
      {"2001:db8::1/32", "is 2001:db8::/32 meant"},
      {"::ffff:0.0.0.0/90", "at least the first 96 bits"},
  };
  for (const auto& [text, why] : cases) {
    const absl::StatusOr<AddressRange> range = AddressRange::Parse(text);
    EXPECT_EQ(range.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(range.status().message()), HasSubstr("'" + text + "'"));
    EXPECT_THAT(std::string(range.status().message()), HasSubstr(why));
  }
}

TEST(AddressRangeTest, IsWrittenInItsShortestForm) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"10.1.0.0/16", "10.1.0.0/16"},
      {"10.1.2.3/32", "10.1.2.3"},
      {"::ffff:10.1.0.0/112", "10.1.0.0/16"},
      {"2001:0DB8:0000::/32", "2001:db8::/32"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"::/0", "::/0"},
  };
  for (const auto& [text, shortest] : cases) {
    const absl::StatusOr<AddressRange> range = AddressRange::Parse(text);
    ASSERT_TRUE(range.ok()) << range.status();
    EXPECT_EQ(range->ToString(), shortest);
    EXPECT_EQ(AddressRange::Parse(range->ToString()).value(), *range);
  }
}

TEST(AddressRangeTest, APeersAddressIsReadWithoutItsPort) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"10.1.2.3:41022", "10.1.2.3"},
      {"[2001:db8::1]:41022", "2001:db8::1"},
      {"[::ffff:10.1.2.3]:41022", "10.1.2.3"},
      {"[fe80::1%2]:41022", "fe80::1"},
      {"unix:/run/grange.sock", ""},
      {"unix:", ""},
      {"", ""},
  };
  for (const auto& [peer, address] : cases) {
    const std::optional<IpAddress> read = IpAddress::OfPeer(peer);
    EXPECT_EQ(read.has_value() ? read->ToString() : "", address) << peer;
  }
}

}  // namespace
}  // namespace grange::text
