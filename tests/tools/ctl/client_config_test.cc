#include "tools/ctl/client_config.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "absl/strings/match.h"
#include "test_repository.h"
#include "tools/ctl/exit_code.h"

namespace grange::ctl {
namespace {

TEST(ClientConfigTest, ReadsWhatACoordinatorWrites) {
  const absl::StatusOr<ClientConfig> config = ParseClientConfig("c.yml",
                                                                "# made by grange-coordinator\n"
                                                                "coordinator: \"127.0.0.1:7420\"\n"
                                                                "ca: |\n"
                                                                "  -----BEGIN CERTIFICATE-----\n"
                                                                "  MIIB\n"
                                                                "  -----END CERTIFICATE-----\n"
                                                                "token: 'it''s'\n");

  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->coordinator, "127.0.0.1:7420");
  EXPECT_EQ(config->ca, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
  EXPECT_EQ(config->token.Open(), "it's");
  EXPECT_FALSE(config->insecure);
}

TEST(ClientConfigTest, ReadsPlainValuesWithComments) {
  const absl::StatusOr<ClientConfig> config = ParseClientConfig(
      "c.yml", "---\r\ncoordinator: ci.example.org:7420  # the new one\r\ninsecure: true\r\n");

  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->coordinator, "ci.example.org:7420");
  EXPECT_TRUE(config->insecure);
}

struct BadConfig {
  const char* name;
  const char* text;
  const char* message;
};

class BadConfigTest : public ::testing::TestWithParam<BadConfig> {};

TEST_P(BadConfigTest, IsRefusedWithItsLine) {
  const absl::StatusOr<ClientConfig> config = ParseClientConfig("c.yml", GetParam().text);

  ASSERT_FALSE(config.ok());
  EXPECT_TRUE(absl::StrContains(config.status().message(), GetParam().message))
      << config.status().message();
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadConfigTest,
    ::testing::Values(BadConfig{"UnknownKey", "tokn: x\n", "c.yml:1: unknown key 'tokn'; did you"},
                      BadConfig{"Twice", "token: a\ntoken: b\n", "c.yml:2: 'token' stands twice"},
                      BadConfig{"NoColon", "token\n", "c.yml:1: expected 'key: value'"},
                      BadConfig{"Indented", "a\n", "c.yml:1: "},
                      BadConfig{"OpenQuote", "token: \"abc\n", "c.yml:1: the quote is not closed"},
                      BadConfig{"AfterQuote", "token: \"a\" b\n", "c.yml:1: text after"},
                      BadConfig{"NotABoolean", "insecure: yes\n", "c.yml:1: 'insecure' is true"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ClientConfigTest, RefusesAFileThatOthersMayRead) {
  const TempDir dir;
  dir.Write("c.yml", "coordinator: a:1\ntoken: t\n", 0644);

  const absl::StatusOr<ClientConfig> config = LoadClientConfig(dir.File("c.yml"), "");

  ASSERT_FALSE(config.ok());
  EXPECT_TRUE(absl::StrContains(config.status().message(), "chmod 600")) << config.status();
}

TEST(ClientConfigTest, TakesTheAddressOfTheCommandLine) {
  const TempDir dir;
  dir.Write("c.yml", "coordinator: a:1\ntoken: t\n");

  const absl::StatusOr<ClientConfig> config = LoadClientConfig(dir.File("c.yml"), "b:2");

  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->coordinator, "b:2");
  EXPECT_EQ(config->token.Open(), "t");
}

TEST(ClientConfigTest, AMissingFileThatWasNamedIsAUsageError) {
  const absl::StatusOr<ClientConfig> config = LoadClientConfig("/nonexistent/c.yml", "");

  ASSERT_FALSE(config.ok());
  EXPECT_EQ(ExitCodeOf(config.status()), kExitUsage);
}

}  // namespace
}  // namespace grange::ctl
