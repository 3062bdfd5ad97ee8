#ifndef GRANGE_COMMON_RPC_X509_H_
#define GRANGE_COMMON_RPC_X509_H_

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

// OpenSSL's objects with an owner, and their PEM form. For common/rpc alone: the headers that others
// include show no type of OpenSSL.
namespace grange::rpc {

template <typename T, void (*kFree)(T*)>
struct FreeBy {
  void operator()(T* p) const { kFree(p); }
};
using X509Handle = std::unique_ptr<X509, FreeBy<X509, X509_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY, EVP_PKEY_free>>;
using ExtensionHandle = std::unique_ptr<X509_EXTENSION, FreeBy<X509_EXTENSION, X509_EXTENSION_free>>;
struct BioFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using BioHandle = std::unique_ptr<BIO, BioFree>;

// The first certificate of the text.
absl::StatusOr<X509Handle> ParseCertificate(const std::string& pem);
// All of them, in their order; kInvalidArgument if there is none or one is cut.
absl::StatusOr<std::vector<X509Handle>> ParseCertificates(const std::string& pem);
absl::StatusOr<KeyHandle> ParseKey(const std::string& pem);
std::string ToPem(X509* certificate);
// What `bio` (of memory) holds.
std::string Drain(BIO* bio);

}  // namespace grange::rpc

#endif  // GRANGE_COMMON_RPC_X509_H_
