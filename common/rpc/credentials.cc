#include "common/rpc/credentials.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "common/rpc/x509.h"

namespace grange::rpc {
namespace {

constexpr int kCaDays = 3650;
constexpr int kServerDays = 365;

absl::Status SslError(absl::string_view what) {
  return absl::InternalError(absl::StrCat("cannot ", what, " (OpenSSL)"));
}

absl::Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("'", value, "' can't go into a certificate"));
  }
  return absl::OkStatus();
}

// A certificate without extensions or signature. `issuer` null: self-signed.
absl::StatusOr<X509Handle> NewCertificate(absl::string_view common_name, EVP_PKEY* key,
                                          X509* issuer, int days, absl::Time now) {
  X509Handle certificate(X509_new());
  unsigned char serial[16];
  if (certificate == nullptr || RAND_bytes(serial, sizeof serial) != 1) {
    return SslError("make a certificate");
  }
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_set_version(certificate.get(), 2);
  // A day of slack: clocks of agents may be behind.
  const time_t from = absl::ToTimeT(now - absl::Hours(24));
  const time_t until = absl::ToTimeT(now + absl::Hours(24) * days);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), from);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), until);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
  X509_set_issuer_name(certificate.get(),
                       issuer == nullptr ? subject : X509_get_subject_name(issuer));
  return certificate;
}

absl::StatusOr<KeyPair> SignAndPrint(X509* certificate, EVP_PKEY* key, EVP_PKEY* signer) {
  if (X509_sign(certificate, signer, EVP_sha256()) == 0) return SslError("sign a certificate");
  const BioHandle certificate_text(BIO_new(BIO_s_mem())), key_text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_text.get(), certificate) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return SslError("write a certificate");
  }
  return KeyPair{.certificate_pem = Drain(certificate_text.get()),
                 .key_pem = Drain(key_text.get())};
}

absl::StatusOr<KeyPair> MakeCa(absl::Time now) {
  const KeyHandle key(EVP_EC_gen("P-256"));
  if (key == nullptr) return SslError("make a key");
  GRANGE_ASSIGN_OR_RETURN(
      const X509Handle certificate,
      NewCertificate("Grange coordinator CA", key.get(), nullptr, kCaDays, now));
  X509* const self = certificate.get();
  GRANGE_RETURN_IF_ERROR(AddExtension(self, self, NID_basic_constraints, "critical,CA:TRUE"));
  GRANGE_RETURN_IF_ERROR(AddExtension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign"));
  GRANGE_RETURN_IF_ERROR(AddExtension(self, self, NID_subject_key_identifier, "hash"));
  return SignAndPrint(self, key.get(), key.get());
}

bool IsAddress(const std::string& name) {
  unsigned char buffer[16];
  return inet_pton(AF_INET, name.c_str(), buffer) == 1 ||
         inet_pton(AF_INET6, name.c_str(), buffer) == 1;
}

// OpenSSL takes the names as one text: a comma in one would be two.
absl::Status CheckName(const std::string& name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_' || c == '*';
  });
  if (plain || IsAddress(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", name, "' can't go into a certificate; give a host name or an address"));
}

}  // namespace

absl::StatusOr<KeyPair> LoadOrMakeCa(const std::string& dir, absl::Time now) {
  const std::string certificate_path = os::JoinPath(dir, "ca.pem");
  const std::string key_path = os::JoinPath(dir, "ca.key");
  if (!os::Exists(certificate_path) && !os::Exists(key_path)) {
    GRANGE_RETURN_IF_ERROR(os::MakeDirs(dir));
    GRANGE_ASSIGN_OR_RETURN(const KeyPair made, MakeCa(now));
    GRANGE_RETURN_IF_ERROR(os::WriteFileAtomic(key_path, made.key_pem, 0600));
    GRANGE_RETURN_IF_ERROR(os::WriteFileAtomic(certificate_path, made.certificate_pem, 0644));
    return made;
  }
  KeyPair ca;
  const absl::StatusOr<std::string> certificate = os::ReadFile(certificate_path);
  const absl::StatusOr<std::string> key = os::ReadFile(key_path);
  if (!certificate.ok() || !key.ok() || !ParseCertificate(*certificate).ok() ||
      !ParseKey(*key).ok()) {
    return absl::DataLossError(
        absl::StrCat("the coordinator's CA in '", dir,
                     "' is incomplete or damaged: restore ca.pem and ca.key "
                     "from a backup; or remove both and register every agent again"));
  }
  return KeyPair{.certificate_pem = *certificate, .key_pem = *key};
}

absl::StatusOr<KeyPair> IssueServerCertificate(const KeyPair& ca,
                                               const std::vector<std::string>& names,
                                               absl::Time now) {
  GRANGE_ASSIGN_OR_RETURN(const X509Handle issuer, ParseCertificate(ca.certificate_pem));
  GRANGE_ASSIGN_OR_RETURN(const KeyHandle issuer_key, ParseKey(ca.key_pem));
  const KeyHandle key(EVP_EC_gen("P-256"));
  if (key == nullptr) return SslError("make a key");
  GRANGE_ASSIGN_OR_RETURN(
      const X509Handle certificate,
      NewCertificate("Grange coordinator", key.get(), issuer.get(), kServerDays, now));
  for (const std::string& name : names) GRANGE_RETURN_IF_ERROR(CheckName(name));
  const std::string alternatives =
      absl::StrJoin(names, ",", [](std::string* out, const std::string& name) {
        absl::StrAppend(out, IsAddress(name) ? "IP:" : "DNS:", name);
      });
  X509* const leaf = certificate.get();
  GRANGE_RETURN_IF_ERROR(
      AddExtension(leaf, issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
  GRANGE_RETURN_IF_ERROR(AddExtension(leaf, issuer.get(), NID_ext_key_usage, "serverAuth"));
  GRANGE_RETURN_IF_ERROR(AddExtension(leaf, issuer.get(), NID_subject_alt_name, alternatives));
  GRANGE_ASSIGN_OR_RETURN(KeyPair pair, SignAndPrint(leaf, key.get(), issuer_key.get()));
  // The chain includes the CA: `grange-agent register` knows only its fingerprint.
  pair.certificate_pem += ca.certificate_pem;
  return pair;
}

absl::StatusOr<std::string> Fingerprint(const std::string& certificate_pem) {
  GRANGE_ASSIGN_OR_RETURN(const X509Handle certificate, ParseCertificate(certificate_pem));
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  if (size <= 0) return SslError("read a certificate");
  const std::string digest = os::Sha256Of(
      absl::string_view(reinterpret_cast<const char*>(der), static_cast<size_t>(size)));
  OPENSSL_free(der);
  return absl::BytesToHexString(digest);
}

}  // namespace grange::rpc
