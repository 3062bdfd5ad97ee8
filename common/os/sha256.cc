#include "common/os/sha256.h"

#include <openssl/evp.h>

#include "common/base/check.h"

namespace grange::os {
namespace {

struct ContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, ContextFree>;

}  // namespace

struct Sha256::State {
  Context context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  GRANGE_CHECK(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;

void Sha256::Update(absl::string_view bytes) {
  GRANGE_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::Digest() const {
  Context copy(EVP_MD_CTX_new());
  GRANGE_CHECK(EVP_MD_CTX_copy_ex(copy.get(), state_->context.get()) == 1);
  std::string digest(32, '\0');
  unsigned int size = 0;
  GRANGE_CHECK(
      EVP_DigestFinal_ex(copy.get(), reinterpret_cast<unsigned char*>(digest.data()), &size) == 1);
  return digest;
}

std::string Sha256Of(absl::string_view bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.Digest();
}

}  // namespace grange::os
