#include "coordinator/source/curl_library.h"

#include <dlfcn.h>

#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace grange::source {
namespace {

absl::StatusOr<CurlLibrary> LoadOnce() {
  void* const library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return absl::UnavailableError(absl::StrCat(
        "remote files need libcurl; install it ('apt install libcurl4'): ", dlerror()));
  }
  bool complete = true;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    complete = complete && function != nullptr;
  };
  CurlLibrary curl;
  decltype(&curl_global_init) global_init;
  find(global_init, "curl_global_init");
  find(curl.easy_init, "curl_easy_init");
  find(curl.easy_setopt, "curl_easy_setopt");
  find(curl.easy_perform, "curl_easy_perform");
  find(curl.easy_getinfo, "curl_easy_getinfo");
  find(curl.easy_cleanup, "curl_easy_cleanup");
  find(curl.easy_strerror, "curl_easy_strerror");
  find(curl.url, "curl_url");
  find(curl.url_set, "curl_url_set");
  find(curl.url_get, "curl_url_get");
  find(curl.url_cleanup, "curl_url_cleanup");
  find(curl.free, "curl_free");
  if (!complete || global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return absl::UnavailableError(
        "the libcurl of this machine is too old for remote files; version 7.85 is needed");
  }
  return curl;
}

}  // namespace

absl::StatusOr<const CurlLibrary*> CurlLibrary::Load() {
  // Never unloaded: it has threads and tables of its own.
  static const auto& library = *new absl::StatusOr<CurlLibrary>(LoadOnce());
  if (!library.ok()) return library.status();
  return &*library;
}

}  // namespace grange::source
