#include "coordinator/source/remote_files.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/os/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::source {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Redirect(absl::string_view to) {
  return absl::StrCat("HTTP/1.1 302 Found\r\nLocation: ", to,
                      "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

// A small web server on loopback: one thread, one request a connection.
class WebServer {
 public:
  WebServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_.get(), generic, length), 0);
    EXPECT_EQ(listen(listener_.get(), 16), 0);
    EXPECT_EQ(getsockname(listener_.get(), generic, &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~WebServer() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::string host() const { return absl::StrCat("127.0.0.1:", port_); }
  std::string Url(absl::string_view path) const { return absl::StrCat("http://", host(), path); }
  int requests() const { return requests_; }
  std::string last_request() const { return last_request_; }  // once it is answered

 private:
  void Run() {
    while (true) {
      const os::UniqueFd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (peer.get() < 0) return;
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = read(peer.get(), buffer, sizeof buffer);
        if (got <= 0) break;
        request.append(buffer, static_cast<size_t>(got));
      }
      last_request_ = request;
      ++requests_;
      const std::vector<std::string> words = absl::StrSplit(request, ' ');
      const std::string answer = words.size() < 2 ? "" : AnswerTo(words[1]);
      for (size_t sent = 0; sent < answer.size();) {
        const ssize_t now =
            send(peer.get(), answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (now <= 0) break;
        sent += static_cast<size_t>(now);
      }
    }
  }

  std::string AnswerTo(const std::string& path) const {
    if (path == "/a.yml") return Ok("job: {script: a}\n");
    if (path == "/redirect") return Redirect("/a.yml");
    if (path == "/loop") return Redirect("/loop");
    if (path == "/elsewhere") return Redirect("http://127.0.0.2:1/a.yml");
    if (path == "/file") return Redirect("file:///etc/passwd");
    if (path == "/large") return Ok(std::string(kRemoteBytesMax + 1, 'x'));
    return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  }

  static std::string Ok(const std::string& body) {
    return absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", body.size(),
                        "\r\nConnection: close\r\n\r\n", body);
  }

  os::UniqueFd listener_;
  int port_ = 0;
  std::thread thread_;
  std::string last_request_;  // written before the answer is sent
  std::atomic<int> requests_{0};
};

class RemoteFilesTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::string> Fetch(const std::string& url, absl::string_view integrity = "") {
    return Files().Fetch(url, integrity);
  }
  RemoteFiles Files() {
    return RemoteFiles({.hosts = {absl::StrCat("http://", server_.host())}, .allow_private = true});
  }

  WebServer server_;
};

TEST_F(RemoteFilesTest, ReadsAFileOfAnAllowedHost) {
  const absl::StatusOr<std::string> text = Fetch(server_.Url("/a.yml"));
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, "job: {script: a}\n");
  EXPECT_THAT(server_.last_request(), Not(HasSubstr("Authorization")));
  EXPECT_THAT(server_.last_request(), Not(HasSubstr("Cookie")));
}

TEST_F(RemoteFilesTest, Y5RefusesAPrivateAddressUnlessItIsAllowed) {
  RemoteFiles files({.hosts = {absl::StrCat("http://", server_.host())}, .allow_private = false});
  const absl::Status refused = files.Fetch(server_.Url("/a.yml"), "").status();
  EXPECT_TRUE(absl::IsPermissionDenied(refused)) << refused;
  EXPECT_THAT(refused.message(), HasSubstr("127.0.0.1"));
  EXPECT_THAT(refused.message(), HasSubstr("--include-private"));
  EXPECT_EQ(server_.requests(), 0);
}

TEST_F(RemoteFilesTest, Y5RefusesAHostNameThatMeansLoopback) {
  RemoteFiles files({.hosts = {"http://localhost:1"}, .allow_private = false});
  EXPECT_THAT(files.Fetch("http://localhost:1/a.yml", "").status().message(),
              HasSubstr("which is no public one"));
}

TEST_F(RemoteFilesTest, RefusesHostsPortsAndSchemesThatAreNotListed) {
  for (const std::string& url :
       {std::string("https://example.org/a.yml"),
        absl::StrCat("https://", server_.host(), "/a.yml"), std::string("http://127.0.0.1:1/a.yml"),
        std::string("http://127.0.0.1/a.yml"),
        absl::StrCat("http://", server_.host(), "@example.org/a.yml"),
        absl::StrCat("http://user:word@", server_.host(), "/a.yml"), std::string("ftp://x/a.yml"),
        std::string("file:///etc/passwd")}) {
    EXPECT_TRUE(absl::IsPermissionDenied(Fetch(url).status())) << url << Fetch(url).status();
  }
  EXPECT_THAT(Fetch("https://Example.org/a.yml").status().message(),
              HasSubstr("'--include-host example.org' allows them"));
  EXPECT_EQ(server_.requests(), 0);
}

TEST_F(RemoteFilesTest, FollowsRedirectsAndChecksEachOfThem) {
  EXPECT_TRUE(Fetch(server_.Url("/redirect")).ok());
  EXPECT_THAT(Fetch(server_.Url("/loop")).status().message(),
              HasSubstr("redirects more than 5 times"));
  for (const char* path : {"/elsewhere", "/file"}) {
    const absl::Status refused = Fetch(server_.Url(path)).status();
    EXPECT_TRUE(absl::IsPermissionDenied(refused)) << refused;
    EXPECT_THAT(refused.message(), HasSubstr("it redirects to '"));
  }
}

TEST_F(RemoteFilesTest, ChecksTheContentsHash) {
  EXPECT_TRUE(Fetch(server_.Url("/a.yml"), "sha256-E5X4IwZuAIwSmGs8f0jTbQ3e4nRDzYz0V2dJ8tG2RXQ=")
                  .status()
                  .code() == absl::StatusCode::kFailedPrecondition);
  const std::string told(Fetch(server_.Url("/a.yml"), "sha256-x").status().message());
  EXPECT_TRUE(Fetch(server_.Url("/a.yml"), told.substr(told.find("sha256-"))).ok()) << told;
}

TEST_F(RemoteFilesTest, StopsAtTheLimitOfBytes) {
  const absl::Status refused = Fetch(server_.Url("/large")).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(refused.message(), HasSubstr("more than 16777216 bytes"));
}

TEST_F(RemoteFilesTest, SaysThatAFileIsMissing) {
  EXPECT_TRUE(absl::IsNotFound(Fetch(server_.Url("/missing.yml")).status()));
}

TEST_F(RemoteFilesTest, TakesNoProxyFromTheEnvironment) {
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  EXPECT_TRUE(Fetch(server_.Url("/a.yml")).ok());
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
}

TEST(CheckRemoteHostTest, TakesHostsWithPortAndScheme) {
  for (const char* good : {"example.org", "example.org:8443", "http://ci.lan", "http://[::1]:80",
                           "https://example.org"}) {
    EXPECT_TRUE(CheckRemoteHost(good).ok()) << good;
  }
  for (const char* bad : {"", "http://", "a/b", "a b", "a:x", "a:0", "a:70000", "*"}) {
    EXPECT_FALSE(CheckRemoteHost(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace grange::source
