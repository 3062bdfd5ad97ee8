#include "coordinator/source/remote_files.h"

#include <sys/socket.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/sha256.h"
#include "coordinator/source/curl_library.h"
#include "coordinator/source/special_address.h"

namespace grange::source {
namespace {

constexpr long kRedirectCodes[] = {301, 302, 303, 307, 308};

struct HostPort {
  std::string scheme;
  std::string host;  // lower case
  std::string port;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

absl::StatusOr<HostPort> ParseEntry(absl::string_view entry) {
  HostPort result;
  absl::string_view rest = entry;
  result.scheme = absl::ConsumePrefix(&rest, "http://") ? "http" : "https";
  absl::ConsumePrefix(&rest, "https://");
  result.port = result.scheme == "http" ? "80" : "443";
  const size_t colon = rest.rfind(':');
  int port = 1;
  if (colon != absl::string_view::npos && !absl::EndsWith(rest, "]")) {
    result.port = std::string(rest.substr(colon + 1));
    if (!absl::SimpleAtoi(result.port, &port)) port = 0;
    rest = rest.substr(0, colon);
  }
  result.host = absl::AsciiStrToLower(rest);
  const bool plain = !rest.empty() && std::all_of(rest.begin(), rest.end(), [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("-._[]:", c);
  });
  if (plain && port > 0 && port < 65536) return result;
  return absl::InvalidArgumentError(absl::StrCat(
      "'", entry,
      "' is no host; write HOST or HOST:PORT, with 'http://' before it for plain text"));
}

// A URL in libcurl's own reading, so that what is checked is what is fetched.
class Url {
 public:
  Url(const CurlLibrary& curl, const std::string& text) : curl_(curl), handle_(curl.url()) {
    good_ =
        curl_.url_set(handle_, CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
  }
  ~Url() { curl_.url_cleanup(handle_); }
  Url(const Url&) = delete;
  Url& operator=(const Url&) = delete;

  bool good() const { return good_; }
  CURLU* handle() const { return handle_; }
  bool has_user() const {
    return !Part(CURLUPART_USER).empty() || !Part(CURLUPART_PASSWORD).empty();
  }
  HostPort host_port() const {
    return {absl::AsciiStrToLower(Part(CURLUPART_SCHEME)),
            absl::AsciiStrToLower(Part(CURLUPART_HOST)), Part(CURLUPART_PORT)};
  }

 private:
  std::string Part(CURLUPart part) const {
    char* text = nullptr;
    if (curl_.url_get(handle_, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return "";
    std::string result = text;
    curl_.free(text);
    return result;
  }

  const CurlLibrary& curl_;
  CURLU* const handle_;
  bool good_ = false;
};

absl::Status CheckUrl(const Url& url, absl::string_view text, const RemoteOptions& options) {
  if (!url.good()) return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no URL"));
  if (url.has_user()) {
    return absl::PermissionDeniedError("the URL has a user or password in it; leave them out");
  }
  const HostPort wanted = url.host_port();
  for (const std::string& entry : options.hosts) {
    const absl::StatusOr<HostPort> allowed = ParseEntry(entry);
    if (allowed.ok() && *allowed == wanted) return absl::OkStatus();
  }
  if (wanted.scheme != "https" && wanted.scheme != "http") {
    return absl::PermissionDeniedError(
        absl::StrCat("'", wanted.scheme, "' URLs are not allowed; take an https one"));
  }
  const std::string flag = absl::StrCat(wanted.scheme == "http" ? "http://" : "", wanted.host,
                                        wanted.port == (wanted.scheme == "http" ? "80" : "443")
                                            ? ""
                                            : absl::StrCat(":", wanted.port));
  return absl::PermissionDeniedError(absl::StrCat(
      "files of '", flag, "' are not allowed here; '--include-host ", flag, "' allows them"));
}

// What the callbacks of one GET share.
struct Transfer {
  bool allow_private = false;
  std::string body;
  bool too_large = false;
  std::string refused_address;
};

size_t OnBody(char* data, size_t size, size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (transfer.body.size() + size * count > kRemoteBytesMax) {
    transfer.too_large = true;
    return 0;
  }
  transfer.body.append(data, size * count);
  return size * count;
}

// The one place through which every connection goes: what the name was resolved to is checked here,
// so that no answer of a name server can lead elsewhere.
curl_socket_t OnOpenSocket(void* context, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (!transfer.allow_private && IsSpecialAddress(address->addr)) {
    transfer.refused_address = AddressText(address->addr);
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

struct Answer {
  std::string body;
  std::string redirect;  // absolute; "" if it is none
};

class Get {
 public:
  Get(const CurlLibrary& curl, const RemoteOptions& options)
      : curl_(curl), handle_(curl.easy_init()) {
    transfer_.allow_private = options.allow_private;
  }
  ~Get() { curl_.easy_cleanup(handle_); }
  Get(const Get&) = delete;
  Get& operator=(const Get&) = delete;

  absl::StatusOr<Answer> Run(const Url& url, absl::Duration at_most, absl::Duration& spent) {
    SetOptions(url, at_most);
    const CURLcode code = curl_.easy_perform(handle_);
    curl_off_t microseconds = 0;
    curl_.easy_getinfo(handle_, CURLINFO_TOTAL_TIME_T, &microseconds);
    spent += absl::Microseconds(microseconds);
    if (code != CURLE_OK) return WhyFailed(code);
    long status = 0;
    curl_.easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    Answer answer;
    if (std::find(std::begin(kRedirectCodes), std::end(kRedirectCodes), status) !=
        std::end(kRedirectCodes)) {
      char* location = nullptr;
      curl_.easy_getinfo(handle_, CURLINFO_REDIRECT_URL, &location);
      if (location == nullptr) return absl::UnavailableError("the server redirects to nowhere");
      answer.redirect = location;
      return answer;
    }
    if (status == 404 || status == 410) {
      return absl::NotFoundError(absl::StrCat("the server has no such file (", status, ")"));
    }
    if (status != 200) {
      return absl::UnavailableError(absl::StrCat("the server answered with status ", status));
    }
    answer.body = std::move(transfer_.body);
    return answer;
  }

 private:
  void SetOptions(const Url& url, absl::Duration at_most) {
    const auto set = [this](CURLoption option, auto value) {
      curl_.easy_setopt(handle_, option, value);
    };
    set(CURLOPT_CURLU, url.handle());
    set(CURLOPT_PROTOCOLS_STR, "https,http");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");  // and none of the environment
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(at_most)));
    set(CURLOPT_USERAGENT, "grange/" GRANGE_VERSION);
    set(CURLOPT_WRITEFUNCTION, &OnBody);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer_));
    set(CURLOPT_OPENSOCKETFUNCTION, &OnOpenSocket);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&transfer_));
  }

  absl::Status WhyFailed(CURLcode code) const {
    if (transfer_.too_large) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the file has more than ", kRemoteBytesMax, " bytes"));
    }
    if (!transfer_.refused_address.empty()) {
      return absl::PermissionDeniedError(
          absl::StrCat("its host has the address ", transfer_.refused_address,
                       ", which is no public one; '--include-private' allows those"));
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
      return absl::ResourceExhaustedError(absl::StrCat("the remote files of a pipeline have ",
                                                       absl::FormatDuration(kRemoteTimeMax),
                                                       " together; the time is over"));
    }
    return absl::UnavailableError(curl_.easy_strerror(code));
  }

  const CurlLibrary& curl_;
  CURL* const handle_;
  Transfer transfer_;
};

absl::Status CheckIntegrity(absl::string_view content, absl::string_view integrity) {
  if (integrity.empty()) return absl::OkStatus();
  const std::string actual = absl::StrCat("sha256-", absl::Base64Escape(os::Sha256Of(content)));
  if (actual == integrity) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("its content is not the one that 'integrity' names, but has ", actual));
}

}  // namespace

absl::Status CheckRemoteHost(absl::string_view entry) { return ParseEntry(entry).status(); }

absl::StatusOr<std::string> RemoteFiles::Fetch(const std::string& url,
                                               absl::string_view integrity) {
  GRANGE_ASSIGN_OR_RETURN(const CurlLibrary* const curl, CurlLibrary::Load());
  std::string at = url;
  for (int redirects = 0; redirects <= kRedirectsMax; ++redirects) {
    const Url parsed(*curl, at);
    const absl::Status allowed = CheckUrl(parsed, at, options_);
    if (!allowed.ok() && redirects > 0) {
      return absl::Status(allowed.code(),
                          absl::StrCat("it redirects to '", at, "': ", allowed.message()));
    }
    GRANGE_RETURN_IF_ERROR(allowed);
    // libcurl takes 0 for "no limit".
    const absl::Duration left = std::max(kRemoteTimeMax - spent_, absl::Milliseconds(1));
    GRANGE_ASSIGN_OR_RETURN(Answer answer, Get(*curl, options_).Run(parsed, left, spent_));
    if (answer.redirect.empty()) {
      GRANGE_RETURN_IF_ERROR(CheckIntegrity(answer.body, integrity));
      return std::move(answer.body);
    }
    at = answer.redirect;
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("it redirects more than ", kRedirectsMax, " times"));
}

}  // namespace grange::source
