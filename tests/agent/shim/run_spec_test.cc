#include "agent/shim/run_spec.h"

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace grange::shim {
namespace {

RunSpec Example() {
  RunSpec spec;
  spec.shell = "/bin/bash";
  spec.script = "echo 1\n";
  spec.after_script = "echo 2\n";
  spec.env = {"A=1", "B=", std::string("C=\0\xff\n", 5)};
  spec.masks = {"secret", "two\nlines"};
  spec.cwd = "/somewhere";
  spec.boot_id = "a-b-c";
  spec.trace_prefix = "before\n";
  spec.timeout_ms = 1;
  spec.after_script_timeout_ms = 2;
  spec.stop_grace_ms = UINT64_MAX;
  spec.lease_until_ms = 4;
  spec.trace_limit_bytes = 5;
  spec.stop_on_disconnect = true;
  spec.sync_log = true;
  spec.fail_at_trace_limit = true;
  spec.disk_patience_ms = 7;
  spec.cgroups = {"/sys/fs/cgroup/memory/7", "/sys/fs/cgroup/pids/7"};
  spec.memory_limit_bytes = 6;
  spec.pids_limit = 7;
  spec.user = JobUser{.uid = 20000, .gid = 4000000000, .groups = {8, 9}};
  spec.no_new_privs = true;
  return spec;
}

TEST(RunSpecTest, ComesBackAsItWas) {
  const std::string frame = EncodeRunSpec(Example());
  const std::string header = frame.substr(0, kRunSpecHeaderBytes);
  const std::string body = frame.substr(kRunSpecHeaderBytes);
  EXPECT_EQ(RunSpecBodyBytes(header), body.size());
  EXPECT_EQ(DecodeRunSpecBody(body), Example());
}

TEST(RunSpecTest, PassesOverFieldsOfANewerAgent) {
  const std::string newer("\xc8\x03\0\0\0xyz", 8);
  const std::string body = EncodeRunSpec(Example()).substr(kRunSpecHeaderBytes);
  EXPECT_EQ(DecodeRunSpecBody(newer + body), Example());
}

TEST(RunSpecTest, RefusesAForeignHeaderAndAHugeBody) {
  std::string header = EncodeRunSpec(Example()).substr(0, kRunSpecHeaderBytes);
  EXPECT_EQ(RunSpecBodyBytes(header.substr(1)), std::nullopt);
  header[14] = 1;
  EXPECT_EQ(RunSpecBodyBytes(header), std::nullopt);
  header[0] = 'X';
  EXPECT_EQ(RunSpecBodyBytes(header), std::nullopt);
}

TEST(RunSpecTest, TakesAnyBytesWithoutHarm) {
  const uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  const std::string body = EncodeRunSpec(Example()).substr(kRunSpecHeaderBytes);
  for (int round = 0; round < 20000; ++round) {
    std::string bad = body.substr(0, random() % (body.size() + 1));
    if (!bad.empty()) bad[random() % bad.size()] = static_cast<char>(random());
    DecodeRunSpecBody(bad);
  }
  EXPECT_EQ(DecodeRunSpecBody(body.substr(0, body.size() - 1)), std::nullopt) << seed;
}

}  // namespace
}  // namespace grange::shim
