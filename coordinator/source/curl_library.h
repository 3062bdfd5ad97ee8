#ifndef GRANGE_COORDINATOR_SOURCE_CURL_LIBRARY_H_
#define GRANGE_COORDINATOR_SOURCE_CURL_LIBRARY_H_

#include <curl/curl.h>

#include "absl/status/statusor.h"

namespace grange::source {

// libcurl, loaded when the first remote file is wanted. Linked in the usual way it would cost every
// start of grangectl some 20 shared libraries, and its OpenSSL would meet the one that is linked
// into our programs for gRPC; loaded like this it keeps its own.
struct CurlLibrary {
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_perform) easy_perform;
  decltype(&curl_easy_getinfo) easy_getinfo;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_url) url;
  decltype(&curl_url_set) url_set;
  decltype(&curl_url_get) url_get;
  decltype(&curl_url_cleanup) url_cleanup;
  decltype(&curl_free) free;

  // kUnavailable, with what to install, if the machine has no libcurl. Thread-safe.
  static absl::StatusOr<const CurlLibrary*> Load();
};

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_CURL_LIBRARY_H_
