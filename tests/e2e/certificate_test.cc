// The coordinator's certificate while it serves: a new one is shown without a restart, and whatever
// happens to its files meanwhile, the last good one stays.
#include <atomic>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "common/rpc/credentials.h"
#include "common/rpc/tls_probe.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"

namespace grange::test {
namespace {

// The certificate that a new connection is shown; "" if the handshake fails.
std::string Shown(const std::string& address) {
  const absl::StatusOr<rpc::HostPort> target = rpc::SplitHostPort(address);
  const absl::StatusOr<os::UniqueFd> fd = rpc::ConnectTcp(*target, absl::Seconds(10));
  if (!fd.ok()) return "";
  const auto chain = rpc::FetchChain(fd->get(), *target, absl::Seconds(10));
  return chain.ok() && !chain->empty() ? chain->front() : "";
}

class OperatorsCertificate {
 public:
  OperatorsCertificate() : ca_(*rpc::LoadOrMakeCa(dir_.path() + "/ca", absl::Now())) {}

  static rpc::KeyPair Issue(const rpc::KeyPair& ca, absl::Time now = absl::Now()) {
    return *rpc::IssueServerCertificate(ca, {"127.0.0.1"}, now);
  }
  rpc::KeyPair Issue() const { return Issue(ca_); }
  const rpc::KeyPair& ca() const { return ca_; }
  std::string certificate() const { return dir_.path() + "/server.pem"; }
  std::string key() const { return dir_.path() + "/server.key"; }
  void Write(const rpc::KeyPair& pair) const {
    ASSERT_TRUE(os::WriteFile(certificate(), pair.certificate_pem).ok());
    ASSERT_TRUE(os::WriteFile(key(), pair.key_pem).ok());
  }
  Farm::Options Options() const {
    Farm::Options options;
    options.coordinator_arguments = {"--certificate", certificate(), "--key", key(),
                                     "--ca",          dir_.path() + "/ca/ca.pem"};
    return options;
  }

 private:
  TempDir dir_;
  const rpc::KeyPair ca_;
};

TEST(CertificateTest, N13_ARenewedPairIsShownWhateverHappenedToItsFilesBefore) {
  const OperatorsCertificate files;
  const rpc::KeyPair first = files.Issue(), next = files.Issue();
  files.Write(first);
  Farm farm(files.Options());
  farm.AddAgent();
  const pid_t pid = farm.coordinator().pid();
  const std::string leaf = Shown(farm.address());
  ASSERT_TRUE(absl::StartsWith(first.certificate_pem, leaf));

  // Connections all the time.
  std::atomic<bool> done{false};
  std::atomic<int> handshakes{0}, failed{0};
  std::thread knocking([&] {
    while (!done) {
      if (Shown(farm.address()).empty()) ++failed;
      ++handshakes;
    }
  });
  const auto warned = [&](const std::string& text) {
    return Eventually([&] { return absl::StrContains(farm.coordinator().Log(), text); });
  };

  // In the order in which a careless tool may write them.
  ASSERT_TRUE(os::WriteFile(files.key(), "").ok());
  EXPECT_TRUE(warned("is empty")) << farm.coordinator().Log();
  ASSERT_TRUE(os::WriteFile(files.key(), next.key_pem).ok());
  EXPECT_TRUE(warned("the key is not that of the certificate"));
  ASSERT_TRUE(os::WriteFile(files.certificate(), next.certificate_pem.substr(0, 200)).ok());
  EXPECT_TRUE(warned("this is no PEM certificate"));
  ASSERT_TRUE(os::RemoveTree(files.certificate()).ok());
  EXPECT_TRUE(warned("No such file"));
  EXPECT_EQ(Shown(farm.address()), leaf);
  files.Write(OperatorsCertificate::Issue(files.ca(), absl::Now() - absl::Hours(24 * 400)));
  EXPECT_TRUE(warned("was valid until"));
  EXPECT_EQ(Shown(farm.address()), leaf);

  files.Write(next);
  EXPECT_TRUE(Eventually(
      [&] { return absl::StartsWith(next.certificate_pem, Shown(farm.address())); },
      absl::Seconds(5)));

  done = true;
  knocking.join();
  EXPECT_EQ(failed, 0) << "of " << handshakes;
  EXPECT_EQ(farm.coordinator().pid(), pid);
  EXPECT_TRUE(farm.coordinator().Running());
  EXPECT_EQ(farm.Ctl({"agents"}).exit_code, 0);
}

TEST(CertificateTest, AnAgentKnowsTheOperatorsCaAndRunsJobs) {
  const OperatorsCertificate files;
  files.Write(files.Issue());
  Farm farm(files.Options());
  farm.AddAgent();
  const std::string repository =
      farm.MakeRepository("app", "test:\n  script: [\"echo fine\"]\n");
  EXPECT_EQ(farm.WaitForPipeline(farm.Submit(repository)), "success");
}

TEST(CertificateTest, CertificateKeyAndCaAreGivenTogether) {
  Farm farm;
  const CtlResult alone =
      farm.RunProgram("grange-coordinator", {"--state", farm.dir() + "/second", "--key", "k.pem"});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_TRUE(absl::StrContains(alone.err, "--certificate")) << alone.err;
}

}  // namespace
}  // namespace grange::test
