#include "common/rpc/channel.h"

#include <gtest/gtest.h>

namespace grange::rpc {
namespace {

TEST(IsLoopbackTest, TakesAddressesOfThisMachineOnly) {
  for (const char* address : {"127.0.0.1", "127.0.0.1:7420", "127.255.0.9:1", "localhost",
                              "localhost:7420", "::1", "[::1]", "[::1]:7420"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address :
       {"127.example.org", "127.example.org:7420", "127.0.0.1.example.org:7420", "127.1:7420",
        "localhost.example.org", "example.org:7420", "10.0.0.1:7420", "0.0.0.0:7420", "[::]:7420",
        "[fe80::1]:7420", "::ffff:10.0.0.1", "", ":7420"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

TEST(MakeChannelTest, RefusesPlainTextToOtherMachines) {
  EXPECT_TRUE(MakeChannel({.address = "127.0.0.1:1", .ca_pem = "", .insecure = true}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(
      MakeChannel({.address = "127.example.org:1", .ca_pem = "", .insecure = true}).status()));
}

TEST(MakeChannelTest, NeedsACaForTls) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      MakeChannel({.address = "127.0.0.1:1", .ca_pem = "", .insecure = false}).status()));
}

}  // namespace
}  // namespace grange::rpc
