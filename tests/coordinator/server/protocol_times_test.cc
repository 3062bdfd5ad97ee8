#include "coordinator/server/protocol_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace grange::server {
namespace {

using ::testing::HasSubstr;

TEST(ProtocolTimesTest, TheUsualOnesFit) { EXPECT_TRUE(CheckTimes({}, {}).ok()); }

TEST(ProtocolTimesTest, WhatDoesNotFitIsRefusedNamingTheOptionAndTheLeast) {
  struct {
    const char* name;
    absl::Duration heartbeat, silence, lease, lost_after;
    const char* error;
  } const cases[] = {
      {"all smaller", absl::Seconds(1), absl::Seconds(3), absl::Seconds(6), absl::Seconds(17), ""},
      {"just so", absl::Seconds(10), absl::Seconds(20), absl::Seconds(60), absl::Seconds(86), ""},
      {"lost while a job that must stop has its grace", absl::Seconds(1), absl::Seconds(3),
       absl::Seconds(6), absl::Seconds(16), "--lost-after is 16 s; it must be at least 17 s"},
      {"lost too soon", absl::Seconds(10), absl::Seconds(30), absl::Seconds(60), absl::Seconds(95),
       "--lost-after is 1 min 35 s; it must be at least 1 min 36 s"},
      {"a silence of one heartbeat", absl::Seconds(10), absl::Seconds(15), absl::Seconds(60),
       absl::Minutes(5), "--silence is 15 s; it must be at least 20 s"},
      {"a lease of one heartbeat", absl::Seconds(10), absl::Seconds(30), absl::Seconds(12),
       absl::Minutes(5), "--lease is 12 s; it must be at least 20 s"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const absl::Status status =
        CheckTimes({.lost_after = c.lost_after}, {.heartbeat_every = c.heartbeat,
                                                  .silence_limit = c.silence,
                                                  .lease_ttl = c.lease});
    EXPECT_EQ(status.ok(), *c.error == '\0') << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.error));
  }
}

}  // namespace
}  // namespace grange::server
