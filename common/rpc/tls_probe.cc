#include "common/rpc/tls_probe.h"

#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/deadline.h"
#include "common/rpc/credentials.h"
#include "common/rpc/x509.h"

namespace grange::rpc {
namespace {

using Addresses = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

absl::StatusOr<Addresses> LookUp(const HostPort& target) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat("cannot find '", target.host,
                                               "': ", gai_strerror(error), "; check the address"));
  }
  return Addresses(found, freeaddrinfo);
}

// The errno of a connect that didn't come to be; 0 if it did.
int Connect(int fd, const addrinfo& to, absl::Duration timeout) {
  if (connect(fd, to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd wait{fd, POLLOUT, 0};
  if (poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) != 1) return ETIMEDOUT;
  int failure = 0;
  socklen_t size = sizeof failure;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
  return failure;
}

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

absl::Status Handshake(SSL* ssl, int fd, const HostPort& target, absl::Duration timeout) {
  const os::Deadline deadline(timeout);
  while (true) {
    const int done = SSL_connect(ssl);
    if (done == 1) return absl::OkStatus();
    const int why = SSL_get_error(ssl, done);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
      return absl::UnavailableError(absl::StrCat(
          "what answers at ", target.address, " doesn't speak TLS; is it a Grange coordinator?"));
    }
    pollfd wait{fd, static_cast<short>(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
    const int64_t left = absl::ToInt64Milliseconds(deadline.Left());
    if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) == 0) {
      return absl::UnavailableError(absl::StrCat("no answer from ", target.address, " in time"));
    }
  }
}

}  // namespace

absl::StatusOr<HostPort> SplitHostPort(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", address,
                     "' is no address; write it as 'host:port', such as "
                     "'build.example.org:7420'"));
  }
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return HostPort{.host = host, .port = address.substr(colon + 1), .address = address};
}

absl::StatusOr<std::vector<std::string>> ResolveHost(const HostPort& target) {
  GRANGE_ASSIGN_OR_RETURN(const Addresses found, LookUp(target));
  std::vector<std::string> addresses;
  for (const addrinfo* at = found.get(); at != nullptr; at = at->ai_next) {
    char text[NI_MAXHOST] = "";
    if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) ==
        0) {
      addresses.emplace_back(text);
    }
  }
  return addresses;
}

absl::StatusOr<os::UniqueFd> ConnectTcp(const HostPort& target, absl::Duration timeout) {
  GRANGE_ASSIGN_OR_RETURN(const Addresses found, LookUp(target));
  std::string reason = "no address";
  for (const addrinfo* at = found.get(); at != nullptr; at = at->ai_next) {
    os::UniqueFd fd(socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.is_open()) continue;
    const int failure = Connect(fd.get(), *at, timeout);
    if (failure == 0) return fd;
    reason = strerror(failure);  // NOLINT(concurrency-mt-unsafe): before any thread
  }
  return absl::UnavailableError(
      absl::StrCat("cannot reach the coordinator at ", target.address, ": ", reason,
                   "; is it running there, and does it listen on that address (--listen)?"));
}

absl::StatusOr<std::vector<std::string>> FetchChain(int fd, const HostPort& target,
                                                    absl::Duration timeout) {
  const std::unique_ptr<SSL_CTX, SslFree> context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);  // the fingerprint decides
  const std::unique_ptr<SSL, SslFree> ssl(SSL_new(context.get()));
  const unsigned char protocols[] = "\x02h2";
  SSL_set_alpn_protos(ssl.get(), protocols, 3);
  SSL_set_tlsext_host_name(ssl.get(), target.host.c_str());
  SSL_set_fd(ssl.get(), fd);
  GRANGE_RETURN_IF_ERROR(Handshake(ssl.get(), fd, target, timeout));
  std::vector<std::string> chain;
  STACK_OF(X509)* const shown = SSL_get_peer_cert_chain(ssl.get());
  for (int i = 0; i < sk_X509_num(shown); ++i) chain.push_back(ToPem(sk_X509_value(shown, i)));
  return chain;
}

absl::StatusOr<std::string> FindByFingerprint(const std::vector<std::string>& chain,
                                              absl::string_view fingerprint) {
  for (const std::string& pem : chain) {
    GRANGE_ASSIGN_OR_RETURN(const std::string found, Fingerprint(pem));
    if (found == absl::AsciiStrToLower(fingerprint)) return pem;
  }
  return absl::UnauthenticatedError(
      "its CA has another fingerprint: somebody else answers there, or the coordinator has a new "
      "CA");
}

}  // namespace grange::rpc
