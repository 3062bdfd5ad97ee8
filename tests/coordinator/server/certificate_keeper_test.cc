#include "coordinator/server/certificate_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "common/os/deadline.h"
#include "common/os/files.h"
#include "common/os/real_clock.h"
#include "common/rpc/server_pair.h"

namespace grange::server {
namespace {

using ::testing::HasSubstr;

// The machine's, set forward.
class MovableClock : public Clock {
 public:
  absl::Time Now() const override { return real_.Now() + absl::Hours(hours_.load()); }
  absl::Duration SinceBoot() const override { return real_.SinceBoot(); }
  void Move(int hours) { hours_ += hours; }

 private:
  const os::RealClock real_;
  std::atomic<int> hours_{0};
};

class CertificateKeeperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = *os::MakeTempDir("grange-keeper-test");
    options_.ca = *rpc::LoadOrMakeCa(dir_ + "/ca", clock_.Now());
    options_.names = {"build.example.org"};
    options_.settle = absl::Milliseconds(1);
  }
  void TearDown() override { ASSERT_TRUE(os::RemoveTree(dir_).ok()); }

  void Write(const rpc::KeyPair& pair) {
    ASSERT_TRUE(os::WriteFileAtomic(dir_ + "/pem", pair.certificate_pem, 0644).ok());
    ASSERT_TRUE(os::WriteFileAtomic(dir_ + "/key", pair.key_pem, 0600).ok());
  }
  rpc::KeyPair Issue() {
    return *rpc::IssueServerCertificate(options_.ca, {"build.example.org"}, clock_.Now());
  }
  void TakeFiles() { options_.files = {dir_ + "/pem", dir_ + "/key", dir_ + "/ca/ca.pem"}; }

  std::string dir_;
  MovableClock clock_;
  CertificateKeeper::Options options_;
};

bool WaitForVersion(const rpc::ServedPair& pair, int64_t version) {
  const os::Deadline deadline(absl::Seconds(30));
  while (pair.version() < version && deadline.Left() > absl::ZeroDuration()) {
    std::this_thread::yield();
  }
  return pair.version() >= version;
}

TEST_F(CertificateKeeperTest, N13OneOfTheOwnCaIsMadeAnewBeforeItEnds) {
  options_.check_every = absl::Milliseconds(1);
  const auto keeper = CertificateKeeper::Start(options_, clock_);
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  const rpc::ServedPair& shown = *(*keeper)->pair();
  const absl::Time until = rpc::ReadCertificate(shown.Get().certificate_pem)->until;

  clock_.Move(24 * 300);

  ASSERT_TRUE(WaitForVersion(shown, 2));
  EXPECT_GT(rpc::ReadCertificate(shown.Get().certificate_pem)->until,
            until + absl::Hours(24 * 299));
  EXPECT_TRUE(
      rpc::CheckPair(shown.Get(), options_.ca.certificate_pem, clock_.Now()).ok());
}

TEST_F(CertificateKeeperTest, N13AStartWithoutAGoodPairIsRefusedNamingTheFile) {
  TakeFiles();
  const absl::Status missing = CertificateKeeper::Start(options_, clock_).status();
  EXPECT_THAT(std::string(missing.message()), HasSubstr(dir_ + "/pem"));
  Write({.certificate_pem = Issue().certificate_pem, .key_pem = Issue().key_pem});
  const absl::Status unfitting = CertificateKeeper::Start(options_, clock_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(unfitting)) << unfitting;
  EXPECT_THAT(std::string(unfitting.message()), HasSubstr(dir_ + "/key"));
}

TEST_F(CertificateKeeperTest, N13AFileThatIsALinkIsSeenToChange) {
  const rpc::KeyPair first = Issue(), second = Issue();
  for (const auto& [folder, pair] : {std::pair{"/1", &first}, std::pair{"/2", &second}}) {
    ASSERT_TRUE(os::MakeDirs(dir_ + folder).ok());
    ASSERT_TRUE(os::WriteFile(dir_ + folder + "/pem", pair->certificate_pem).ok());
    ASSERT_TRUE(os::WriteFile(dir_ + folder + "/key", pair->key_pem).ok());
  }
  const auto link = [&](const std::string& to) {
    for (const char* name : {"/pem", "/key"}) {
      ASSERT_EQ(symlink((dir_ + to + name).c_str(), (dir_ + name + ".new").c_str()), 0);
      ASSERT_EQ(rename((dir_ + name + ".new").c_str(), (dir_ + name).c_str()), 0);
    }
  };
  link("/1");
  TakeFiles();
  const auto keeper = CertificateKeeper::Start(options_, clock_);
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  EXPECT_EQ((*keeper)->pair()->Get().key_pem, first.key_pem);

  link("/2");

  ASSERT_TRUE(WaitForVersion(*(*keeper)->pair(), 2));
  EXPECT_EQ((*keeper)->pair()->Get().key_pem, second.key_pem);
}

}  // namespace
}  // namespace grange::server
