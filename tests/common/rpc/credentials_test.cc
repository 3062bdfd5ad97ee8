#include "common/rpc/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "common/os/files.h"

namespace grange::rpc {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

class CaTest : public ::testing::Test {
 protected:
  void SetUp() override { dir_ = *os::MakeTempDir("grange-ca-test"); }
  void TearDown() override { ASSERT_TRUE(os::RemoveTree(dir_).ok()); }
  std::string keys() const { return dir_ + "/keys"; }

  std::string dir_;
};

TEST_F(CaTest, IsMadeOnceAndThenTheSame) {
  const absl::StatusOr<KeyPair> first = LoadOrMakeCa(keys(), kNow);
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::StatusOr<KeyPair> second = LoadOrMakeCa(keys(), kNow + absl::Hours(9999));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(*Fingerprint(first->certificate_pem), *Fingerprint(second->certificate_pem));
  EXPECT_EQ(first->key_pem, second->key_pem);
}

TEST_F(CaTest, ItsKeyIsForItsOwnerOnly) {
  ASSERT_TRUE(LoadOrMakeCa(keys(), kNow).ok());
  struct stat info {};
  ASSERT_EQ(stat((keys() + "/ca.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat(keys().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(CaTest, IsNeverReplacedSilently) {
  const std::string certificate = LoadOrMakeCa(keys(), kNow)->certificate_pem;
  const std::string key = LoadOrMakeCa(keys(), kNow)->key_pem;
  struct {
    const char* name;
    const char* file;
    const char* content;  // none: the file is missing
  } const cases[] = {{"no key", "/ca.key", nullptr},
                     {"no certificate", "/ca.pem", nullptr},
                     {"an empty key", "/ca.key", ""},
                     {"a damaged certificate", "/ca.pem", "-----BEGIN CERTIFICATE-----\nx\n"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    ASSERT_TRUE(os::WriteFile(keys() + "/ca.pem", certificate).ok());
    ASSERT_TRUE(os::WriteFile(keys() + "/ca.key", key).ok());
    ASSERT_TRUE(os::RemoveTree(keys() + c.file).ok());
    if (c.content != nullptr) {
      ASSERT_TRUE(os::WriteFile(keys() + c.file, c.content).ok());
    }
    const absl::Status status = LoadOrMakeCa(keys(), kNow).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("restore ca.pem and ca.key"));
  }
}

TEST_F(CaTest, TheServersChainEndsWithTheCa) {
  const KeyPair ca = *LoadOrMakeCa(keys(), kNow);
  const absl::StatusOr<KeyPair> server =
      IssueServerCertificate(ca, {"build.example.org", "127.0.0.1", "::1"}, kNow);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT(server->certificate_pem, HasSubstr(ca.certificate_pem));
  EXPECT_NE(server->key_pem, ca.key_pem);
  EXPECT_NE(*Fingerprint(server->certificate_pem), *Fingerprint(ca.certificate_pem));
}

TEST_F(CaTest, ANameThatFitsNoCertificateIsRefused) {
  const KeyPair ca = *LoadOrMakeCa(keys(), kNow);
  for (const char* name : {"", "a,IP:1.2.3.4", "a\nb"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(IssueServerCertificate(ca, {name}, kNow).status()))
        << "'" << name << "'";
  }
}

TEST(FingerprintTest, Is64HexDigitsOfACertificate) {
  EXPECT_TRUE(absl::IsInvalidArgument(Fingerprint("hello").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Fingerprint("").status()));
}

}  // namespace
}  // namespace grange::rpc
