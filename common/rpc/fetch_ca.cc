#include "common/rpc/fetch_ca.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/os/deadline.h"
#include "common/os/unique_fd.h"
#include "common/rpc/credentials.h"

namespace grange::rpc {
namespace {

struct HostPort {
  std::string host, port;
};

absl::StatusOr<HostPort> Split(const std::string& address) {
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
  return HostPort{.host = host, .port = address.substr(colon + 1)};
}

absl::StatusOr<os::UniqueFd> Connect(const std::string& address, const HostPort& target,
                                     absl::Duration timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat("cannot find '", target.host,
                                               "': ", gai_strerror(error), "; check the address"));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> holder(found, freeaddrinfo);
  std::string reason = "no address";
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    os::UniqueFd fd(socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.is_open()) continue;
    if (connect(fd.get(), at->ai_addr, at->ai_addrlen) != 0) {
      int failure = errno;
      if (failure == EINPROGRESS) {
        pollfd wait{fd.get(), POLLOUT, 0};
        failure = ETIMEDOUT;
        if (poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) == 1) {
          socklen_t size = sizeof failure;
          getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
        }
      }
      if (failure != 0) {
        reason = strerror(failure);  // NOLINT(concurrency-mt-unsafe): before any thread
        continue;
      }
    }
    return fd;
  }
  return absl::UnavailableError(
      absl::StrCat("cannot reach the coordinator at ", address, ": ", reason,
                   "; is it running there, and does it listen on that address (--listen)?"));
}

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

absl::Status Handshake(SSL* ssl, int fd, const std::string& address, absl::Duration timeout) {
  const os::Deadline deadline(timeout);
  while (true) {
    const int done = SSL_connect(ssl);
    if (done == 1) return absl::OkStatus();
    const int why = SSL_get_error(ssl, done);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
      return absl::UnavailableError(absl::StrCat(
          "what answers at ", address, " doesn't speak TLS; is it a Grange coordinator?"));
    }
    pollfd wait{fd, static_cast<short>(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
    const int64_t left = absl::ToInt64Milliseconds(deadline.Left());
    if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) == 0) {
      return absl::UnavailableError(absl::StrCat("no answer from ", address, " in time"));
    }
  }
}

std::string NamesOf(X509* certificate) {
  std::vector<std::string> names;
  auto* const list = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_DNS) {
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      char text[INET6_ADDRSTRLEN] = "";
      inet_ntop(ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6,
                ASN1_STRING_get0_data(name->d.iPAddress), text, sizeof text);
      names.emplace_back(text);
    }
  }
  GENERAL_NAMES_free(list);
  return absl::StrJoin(names, ", ");
}

std::string ToPem(X509* certificate) {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free_all(bio);
  return pem;
}

absl::Status CheckName(X509* leaf, const std::string& host) {
  if (X509_check_ip_asc(leaf, host.c_str(), 0) == 1 ||
      X509_check_host(leaf, host.c_str(), host.size(), 0, nullptr) == 1) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the coordinator's certificate is for ", NamesOf(leaf), ", not for '", host,
                   "'; start the coordinator with '--name ", host, "', or use one of these names"));
}

}  // namespace

absl::StatusOr<std::string> FetchCa(const std::string& address, absl::string_view fingerprint,
                                    absl::Duration timeout) {
  GRANGE_ASSIGN_OR_RETURN(const HostPort target, Split(address));
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd fd, Connect(address, target, timeout));
  const std::unique_ptr<SSL_CTX, SslFree> context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);  // the fingerprint decides
  const std::unique_ptr<SSL, SslFree> ssl(SSL_new(context.get()));
  const unsigned char protocols[] = "\x02h2";
  SSL_set_alpn_protos(ssl.get(), protocols, 3);
  SSL_set_tlsext_host_name(ssl.get(), target.host.c_str());
  SSL_set_fd(ssl.get(), fd.get());
  GRANGE_RETURN_IF_ERROR(Handshake(ssl.get(), fd.get(), address, timeout));

  STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(ssl.get());
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const std::string pem = ToPem(sk_X509_value(chain, i));
    GRANGE_ASSIGN_OR_RETURN(const std::string found, Fingerprint(pem));
    if (found != absl::AsciiStrToLower(fingerprint)) continue;
    GRANGE_RETURN_IF_ERROR(CheckName(sk_X509_value(chain, 0), target.host));
    return pem;
  }
  return absl::UnauthenticatedError(absl::StrCat(
      "the server at ", address,
      " is not the coordinator that made this token (its CA has another "
      "fingerprint); check the address, or make a new token with 'grangectl token create "
      "--registration'"));
}

}  // namespace grange::rpc
