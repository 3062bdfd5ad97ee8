#include "coordinator/store/sealer.h"

#include <sodium.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::store {
namespace {

constexpr size_t kKeyBytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr char kFormat = 1;  // first byte of a sealed value: which cipher and layout

const unsigned char* Raw(absl::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

absl::Status MakeKeyFile(const std::string& path) {
  std::string key(kKeyBytes, '\0');
  randombytes_buf(key.data(), key.size());
  const size_t slash = path.rfind('/');
  absl::Status status;
  if (slash != std::string::npos && slash > 0) status = os::MakeDirs(path.substr(0, slash));
  if (status.ok()) status = os::WriteFileAtomic(path, key, 0600);
  sodium_memzero(key.data(), key.size());
  return status;
}

absl::Status CheckMode(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return os::ErrnoStatus(errno, "cannot read", path);
  if ((info.st_mode & 077) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("key file '", path, "' can be read by others; run 'chmod 600 ", path,
                   "', and renew the secrets if somebody may have read it"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Sealer>> Sealer::Open(const std::string& key_path, bool may_make) {
  if (sodium_init() < 0) return absl::InternalError("libsodium cannot be used on this machine");
  if (!os::Exists(key_path)) {
    if (!may_make) {
      return absl::FailedPreconditionError(absl::StrCat(
          "key file '", key_path,
          "' is missing, and the database has values that were sealed with it; bring it back from "
          "the backup"));
    }
    GRANGE_RETURN_IF_ERROR(MakeKeyFile(key_path));
  }
  GRANGE_RETURN_IF_ERROR(CheckMode(key_path));
  GRANGE_ASSIGN_OR_RETURN(std::string bytes, os::ReadFile(key_path, 4096));
  if (bytes.size() != kKeyBytes) {
    return absl::FailedPreconditionError(absl::StrCat("key file '", key_path, "' has ",
                                                      bytes.size(), " bytes, not ", kKeyBytes,
                                                      "; bring it back from the backup"));
  }
  auto* key = static_cast<unsigned char*>(sodium_malloc(kKeyBytes));
  if (key == nullptr) return absl::ResourceExhaustedError("no memory for the store's key");
  std::memcpy(key, bytes.data(), kKeyBytes);
  sodium_memzero(bytes.data(), bytes.size());
  sodium_mprotect_readonly(key);
  return std::unique_ptr<Sealer>(new Sealer(key));
}

Sealer::~Sealer() { sodium_free(key_); }

std::string Sealer::Seal(const Secret& value, absl::string_view identity) const {
  const absl::string_view plain = value.Open();
  std::string sealed(1 + kNonceBytes + plain.size() + kTagBytes, '\0');
  sealed[0] = kFormat;
  auto* out = reinterpret_cast<unsigned char*>(sealed.data());
  unsigned char* nonce = out + 1;
  randombytes_buf(nonce, kNonceBytes);
  const int result = crypto_aead_xchacha20poly1305_ietf_encrypt(
      nonce + kNonceBytes, nullptr, Raw(plain), plain.size(), Raw(identity), identity.size(),
      nullptr, nonce, key_);
  GRANGE_CHECK(result == 0);
  return sealed;
}

bool Sealer::IsSealed(absl::string_view stored) {
  return stored.size() >= 1 + kNonceBytes + kTagBytes && stored[0] == kFormat;
}

absl::StatusOr<Secret> Sealer::Open(absl::string_view sealed, absl::string_view identity) const {
  if (!IsSealed(sealed)) {
    return absl::DataLossError("a sealed value is damaged");
  }
  const unsigned char* nonce = Raw(sealed) + 1;
  const size_t body_bytes = sealed.size() - 1 - kNonceBytes;
  std::string plain(body_bytes - kTagBytes, '\0');
  const int result = crypto_aead_xchacha20poly1305_ietf_decrypt(
      reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, nonce + kNonceBytes,
      body_bytes, Raw(identity), identity.size(), nonce, key_);
  if (result != 0) {
    return absl::DataLossError("a sealed value does not open with the store's key");
  }
  return Secret(std::move(plain));
}

}  // namespace grange::store
