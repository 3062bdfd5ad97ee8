#include "deploy/ssh/ssh_session.h"

#include <signal.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "common/os/real_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/sshd.h"
#include "tests/support/tcp_relay.h"

namespace grange::ssh {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

absl::StatusOr<os::RunResult> RunLocally(std::vector<std::string> argv) {
  os::ChildOptions options;
  options.argv = std::move(argv);
  return os::Run(std::move(options));
}

// All tests share one sshd: starting it costs more than they do.
class SshSessionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    signal(SIGPIPE, SIG_IGN);
    absl::StatusOr<std::unique_ptr<test::PrivateSshd>> started = test::PrivateSshd::Start();
    ASSERT_TRUE(started.ok()) << started.status();
    sshd_ = started->release();
  }
  static void TearDownTestSuite() {
    delete sshd_;
    sshd_ = nullptr;
  }

  void SetUp() override { ASSERT_NE(sshd_, nullptr); }

  // A login that works; tests spoil one thing each.
  SshOptions Options(uint16_t port = sshd_->port()) {
    return {.target = {.host = "127.0.0.1", .port = port, .user = sshd_->user()},
            .known_hosts = KnownHosts(absl::StrCat("[127.0.0.1]:", port, " ", *sshd_->HostKey())),
            .private_key = Secret(*sshd_->PrivateKey())};
  }

  std::string KnownHosts(const std::string& line) {
    const std::string path = absl::StrCat(sshd_->folder(), "/known_hosts");
    EXPECT_TRUE(os::WriteFile(path, line + "\n").ok());
    return path;
  }

  absl::StatusOr<SshSession> Connect(const SshOptions& options) {
    return SshSession::Connect(options, clock_);
  }

  absl::StatusOr<SshResult> Run(const SshCommand& command) {
    absl::StatusOr<SshSession> session = Connect(Options());
    if (!session.ok()) return session.status();
    return session->Run(command);
  }

  static std::string FingerprintOf(const std::string& public_key_file) {
    const absl::StatusOr<os::RunResult> shown =
        RunLocally({"ssh-keygen", "-l", "-f", public_key_file});
    const std::string out = shown.ok() ? shown->out : "";
    const size_t begin = out.find("SHA256:");
    return begin == std::string::npos ? "none" : out.substr(begin, out.find(' ', begin) - begin);
  }
  static std::string HostFingerprint() {
    return FingerprintOf(absl::StrCat(sshd_->folder(), "/host_key.pub"));
  }

  static test::PrivateSshd* sshd_;
  os::RealClock clock_;
};
test::PrivateSshd* SshSessionTest::sshd_ = nullptr;

// --- host keys ---

TEST_F(SshSessionTest, ConnectsToAHostWhoseKeyIsKnown) {
  const absl::StatusOr<SshSession> session = Connect(Options());
  EXPECT_TRUE(session.ok()) << session.status() << sshd_->Log();
}

TEST_F(SshSessionTest, FindsAHostWhoseNameIsHashed) {
  SshOptions options = Options();
  const absl::StatusOr<os::RunResult> hashed =
      RunLocally({"ssh-keygen", "-q", "-H", "-f", options.known_hosts});
  ASSERT_TRUE(hashed.ok() && hashed->status.ok()) << hashed->err;
  EXPECT_TRUE(Connect(options).ok());
}

TEST_F(SshSessionTest, RefusesAnUnknownHostAndShowsTheLineThatWouldAddIt) {
  SshOptions options = Options();
  options.known_hosts = KnownHosts(absl::StrCat("elsewhere ", *sshd_->HostKey()));
  const absl::Status refused = Connect(options).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  const std::string host_key = *sshd_->HostKey();
  const std::string without_comment = host_key.substr(0, host_key.rfind(' '));
  EXPECT_THAT(
      std::string(refused.message()),
      AllOf(HasSubstr("has no key of it"), HasSubstr(HostFingerprint()),
            HasSubstr(absl::StrCat("\"[127.0.0.1]:", sshd_->port(), " ", without_comment, "\""))));
}

TEST_F(SshSessionTest, RefusesAHostThatIsKnownByAnotherTypeOfKeyOnly) {
  const absl::StatusOr<std::string> other = sshd_->MakeKey("ecdsa", "other_type");
  ASSERT_TRUE(other.ok()) << other.status();
  SshOptions options = Options();
  options.known_hosts =
      KnownHosts(absl::StrCat("[127.0.0.1]:", sshd_->port(), " ", *os::ReadFile(*other + ".pub")));
  const absl::Status refused = Connect(options).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("keys of other types"), HasSubstr(HostFingerprint()),
                    HasSubstr(FingerprintOf(*other + ".pub"))));
}

TEST_F(SshSessionTest, RefusesAHostWhoseKeyHasChangedAndShowsBothFingerprints) {
  const absl::StatusOr<std::string> other = sshd_->MakeKey("ed25519", "other_host");
  ASSERT_TRUE(other.ok()) << other.status();
  SshOptions options = Options();
  options.known_hosts =
      KnownHosts(absl::StrCat("[127.0.0.1]:", sshd_->port(), " ", *os::ReadFile(*other + ".pub")));
  const absl::Status refused = Connect(options).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("somebody else answers"), HasSubstr(HostFingerprint()),
                    HasSubstr(FingerprintOf(*other + ".pub"))));
}

TEST_F(SshSessionTest, RefusesEveryHostWithoutAKnownHostsFileAndMakesNone) {
  SshOptions options = Options();
  options.known_hosts = absl::StrCat(sshd_->folder(), "/no-such-file");
  const absl::Status refused = Connect(options).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("there is no known hosts file"), HasSubstr(HostFingerprint())));
  EXPECT_FALSE(os::Exists(options.known_hosts));
}

// --- names and keys ---

TEST_F(SshSessionTest, RefusesNamesThatCouldMeanMoreThanAName) {
  for (const char* name : {"", "-oProxyCommand=x", "a b", "a;b", "$(id)", "a\nb", "ö"}) {
    SshOptions options = Options();
    options.target.host = name;
    EXPECT_TRUE(absl::IsInvalidArgument(Connect(options).status())) << "host " << name;
    options = Options();
    options.target.user = name;
    EXPECT_TRUE(absl::IsInvalidArgument(Connect(options).status())) << "user " << name;
  }
}

TEST_F(SshSessionTest, RefusesATextThatIsNoPrivateKeyWithoutShowingIt) {
  SshOptions options = Options();
  options.private_key = Secret("not a key");
  const absl::Status refused = Connect(options).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused));
  EXPECT_FALSE(absl::StrContains(refused.message(), "not a key"));
}

TEST_F(SshSessionTest, ReportsAKeyThatTheHostDoesNotAccept) {
  const absl::StatusOr<std::string> stranger = sshd_->MakeKey("ed25519", "stranger");
  ASSERT_TRUE(stranger.ok()) << stranger.status();
  SshOptions options = Options();
  options.private_key = Secret(*os::ReadFile(*stranger));
  const absl::Status refused = Connect(options).status();
  EXPECT_TRUE(absl::IsPermissionDenied(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("authorized_keys"));
}

TEST_F(SshSessionTest, ReportsAPortWhereNobodyListens) {
  SshOptions options = Options();
  options.target.port = 1;
  EXPECT_TRUE(absl::IsUnavailable(Connect(options).status()));
}

// --- commands ---

TEST_F(SshSessionTest, ReturnsOutputAndStatusOfACommand) {
  const absl::StatusOr<SshResult> result = Run({.text = "echo out; echo err >&2; exit 7"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_TRUE(result->output_complete);
}

TEST_F(SshSessionTest, RunsCommandsOneAfterTheOther) {
  absl::StatusOr<SshSession> session = Connect(Options());
  ASSERT_TRUE(session.ok()) << session.status();
  for (int i = 0; i < 5; ++i) {
    const absl::StatusOr<SshResult> result = session->Run({.text = absl::StrCat("echo ", i)});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->out, absl::StrCat(i, "\n"));
  }
}

TEST_F(SshSessionTest, GivesTheCommandNoInput) {
  const absl::StatusOr<SshResult> result = Run({.text = "cat; echo end"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, "end\n");
}

TEST_F(SshSessionTest, KeepsEveryByteOfALongOutput) {
  const absl::StatusOr<SshResult> result = Run({.text = "seq 1 400000; seq 1 100000 >&2"});
  ASSERT_TRUE(result.ok()) << result.status();
  const absl::StatusOr<os::RunResult> out = RunLocally({"seq", "1", "400000"});
  const absl::StatusOr<os::RunResult> err = RunLocally({"seq", "1", "100000"});
  EXPECT_TRUE(result->out == out->out);
  EXPECT_TRUE(result->err == err->out);
  EXPECT_TRUE(result->output_complete);
}

TEST_F(SshSessionTest, EndsWithTheStatusThoughADaemonHoldsTheOutput) {
  const absl::StatusOr<SshResult> result =
      Run({.text = "sleep 1000 & echo $!; exit 3", .quiet_timeout = absl::Seconds(30)});
  ASSERT_TRUE(result.ok()) << result.status();
  int daemon = 0;
  ASSERT_TRUE(absl::SimpleAtoi(result->out, &daemon)) << result->out;
  kill(daemon, SIGKILL);
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_FALSE(result->output_complete);
}

TEST_F(SshSessionTest, NamesTheSignalThatEndedACommand) {
  const absl::StatusOr<SshResult> result = Run({.text = "kill -KILL $$"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->signal, "KILL");
  EXPECT_FALSE(result->ok());
  EXPECT_EQ(result->ToString(), "killed by signal KILL");
}

TEST_F(SshSessionTest, StopsReadingACommandThatPrintsTooMuch) {
  const absl::StatusOr<SshResult> result = Run({.text = "yes", .output_bytes_max = 100000});
  EXPECT_TRUE(absl::IsResourceExhausted(result.status())) << result.status();
}

TEST_F(SshSessionTest, GivesUpACommandThatTakesTooLongThoughItTalks) {
  const absl::StatusOr<SshResult> result =
      Run({.text = "while echo busy; do sleep 0.02; done", .timeout = absl::Milliseconds(500)});
  EXPECT_TRUE(absl::IsDeadlineExceeded(result.status())) << result.status();
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("did not end within 500ms"));
}

TEST_F(SshSessionTest, NoticesAFrozenLineByItsSilenceAndClosesWithoutWaiting) {
  const absl::StatusOr<std::unique_ptr<test::TcpRelay>> relay =
      test::TcpRelay::Start(sshd_->port());
  ASSERT_TRUE(relay.ok()) << relay.status();
  absl::StatusOr<SshSession> session = Connect(Options((*relay)->port()));
  ASSERT_TRUE(session.ok()) << session.status();
  (*relay)->Freeze();

  const absl::Duration before = clock_.SinceBoot();
  {
    SshSession gone = *std::move(session);
    const absl::StatusOr<SshResult> result =
        gone.Run({.text = "true", .quiet_timeout = absl::Milliseconds(300)});
    EXPECT_TRUE(absl::IsDeadlineExceeded(result.status())) << result.status();
    EXPECT_THAT(std::string(result.status().message()), HasSubstr("nothing was heard for 300ms"));
    EXPECT_TRUE(absl::IsFailedPrecondition(gone.Run({.text = "true"}).status()));
  }
  EXPECT_LT(clock_.SinceBoot() - before, absl::Seconds(5));
}

TEST_F(SshSessionTest, ReportsAConnectionThatBreaksInMidCommand) {
  const absl::StatusOr<SshResult> result = Run({.text = "echo begun; kill -KILL $PPID; sleep 3"});
  EXPECT_TRUE(absl::IsUnavailable(result.status())) << result.status();
}

}  // namespace
}  // namespace grange::ssh
