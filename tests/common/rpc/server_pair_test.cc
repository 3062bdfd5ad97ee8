#include "common/rpc/server_pair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/os/files.h"

namespace grange::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

class ServerPairTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = *os::MakeTempDir("grange-pair-test");
    ca_ = *LoadOrMakeCa(dir_ + "/ca", kNow);
    other_ca_ = *LoadOrMakeCa(dir_ + "/other", kNow);
    pair_ = *IssueServerCertificate(ca_, {"build.example.org", "10.1.2.3"}, kNow);
  }
  void TearDown() override { ASSERT_TRUE(os::RemoveTree(dir_).ok()); }

  std::string dir_;
  KeyPair ca_, other_ca_, pair_;
};

TEST_F(ServerPairTest, ACertificateSaysItsNamesAndDates) {
  const absl::StatusOr<CertificateFacts> facts = ReadCertificate(pair_.certificate_pem);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_THAT(facts->names, ElementsAre("build.example.org", "10.1.2.3"));
  EXPECT_EQ(facts->from, kNow - absl::Hours(24));
  EXPECT_EQ(facts->until, kNow + absl::Hours(24) * 365);
}

TEST_F(ServerPairTest, N9DatesAreSaidTogetherWithTheClock) {
  const CertificateFacts facts = *ReadCertificate(pair_.certificate_pem);
  EXPECT_TRUE(CheckDates(facts, kNow).ok());
  const absl::Status early = CheckDates(facts, kNow - absl::Hours(24 * 3));
  EXPECT_THAT(std::string(early.message()), HasSubstr("set the clock"));
  EXPECT_THAT(std::string(early.message()), HasSubstr("valid from 2026-09-20 14:13 UTC"));
  const absl::Status late = CheckDates(facts, kNow + absl::Hours(24 * 400));
  EXPECT_THAT(std::string(late.message()), HasSubstr("renew the certificate"));
}

TEST_F(ServerPairTest, N13OnlyAPairThatCanBeServedIsGood) {
  const KeyPair second = *IssueServerCertificate(ca_, {"build.example.org"}, kNow);
  const KeyPair foreign = *IssueServerCertificate(other_ca_, {"build.example.org"}, kNow);
  const std::string half = pair_.certificate_pem.substr(0, pair_.certificate_pem.size() / 4);
  struct {
    const char* name;
    KeyPair pair;
    absl::Time now;
    const char* error;  // "": good
  } const cases[] = {
      {"as it was issued", pair_, kNow, ""},
      {"nothing", {"", ""}, kNow, "the certificate: this is no PEM certificate"},
      {"no key", {pair_.certificate_pem, ""}, kNow, "the key: this is no PEM key"},
      {"half a certificate", {half, pair_.key_pem}, kNow, "the certificate: "},
      {"a chain that is cut",
       {pair_.certificate_pem.substr(0, pair_.certificate_pem.size() - 40), pair_.key_pem},
       kNow,
       "cut or damaged"},
      {"another key", {pair_.certificate_pem, second.key_pem}, kNow, "not that of the certificate"},
      {"another CA", foreign, kNow, "doesn't lead to the CA"},
      {"too early", pair_, kNow - absl::Hours(99), "valid from"},
      {"too late", pair_, kNow + absl::Hours(24 * 366), "was valid until"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const absl::Status status = CheckPair(c.pair, ca_.certificate_pem, c.now);
    EXPECT_EQ(status.ok(), *c.error == '\0') << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.error));
  }
}

TEST_F(ServerPairTest, TheChainEndsWithTheCaOnce) {
  const std::string& whole = pair_.certificate_pem;  // its CA's follows it
  const std::string alone = whole.substr(0, whole.size() - ca_.certificate_pem.size());
  EXPECT_EQ(WithCa(alone, ca_.certificate_pem), whole);
  EXPECT_EQ(WithCa(whole, ca_.certificate_pem), whole);
}

}  // namespace
}  // namespace grange::rpc
