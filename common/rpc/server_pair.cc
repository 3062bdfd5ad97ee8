#include "common/rpc/server_pair.h"

#include <arpa/inet.h>

#include <ctime>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/rpc/x509.h"

namespace grange::rpc {
namespace {

absl::Time FromAsn1(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

std::string Text(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone());
}

std::vector<std::string> NamesOf(X509* certificate) {
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
  return names;
}

CertificateFacts FactsOf(X509* certificate) {
  return {.names = NamesOf(certificate),
          .from = FromAsn1(X509_get0_notBefore(certificate)),
          .until = FromAsn1(X509_get0_notAfter(certificate))};
}

absl::Status Of(absl::string_view what, const absl::Status& status) {
  return absl::FailedPreconditionError(absl::StrCat(what, ": ", status.message()));
}

// The dates of the whole chain are looked at, at `now`.
absl::Status CheckChain(const std::vector<X509Handle>& chain, X509* ca, absl::Time now) {
  const std::unique_ptr<X509_STORE, FreeBy<X509_STORE, X509_STORE_free>> trusted(X509_STORE_new());
  X509_STORE_add_cert(trusted.get(), ca);
  STACK_OF(X509)* const between = sk_X509_new_null();
  for (size_t i = 1; i < chain.size(); ++i) sk_X509_push(between, chain[i].get());
  const std::unique_ptr<X509_STORE_CTX, FreeBy<X509_STORE_CTX, X509_STORE_CTX_free>> check(
      X509_STORE_CTX_new());
  X509_STORE_CTX_init(check.get(), trusted.get(), chain[0].get(), between);
  X509_VERIFY_PARAM* const how = X509_STORE_CTX_get0_param(check.get());
  X509_VERIFY_PARAM_set_time(how, absl::ToTimeT(now));
  X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_PARTIAL_CHAIN);  // the CA may have one above it
  X509_VERIFY_PARAM_set_purpose(how, X509_PURPOSE_SSL_SERVER);
  const bool good = X509_verify_cert(check.get()) == 1;
  const std::string why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get()));
  sk_X509_free(between);
  if (good) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("its chain doesn't lead to the CA that agents know (", why,
                   "); put the certificates between the two behind it in the same file"));
}

}  // namespace

absl::StatusOr<CertificateFacts> ReadCertificate(const std::string& pem) {
  GRANGE_ASSIGN_OR_RETURN(const X509Handle certificate, ParseCertificate(pem));
  return FactsOf(certificate.get());
}

absl::Status CheckDates(const CertificateFacts& facts, absl::Time now) {
  if (now < facts.from) {
    return absl::FailedPreconditionError(
        absl::StrCat("the certificate is valid from ", Text(facts.from),
                     " on, and this machine's clock says ", Text(now), "; set the clock"));
  }
  if (now >= facts.until) {
    return absl::FailedPreconditionError(
        absl::StrCat("the certificate was valid until ", Text(facts.until),
                     ", and this machine's clock says ", Text(now),
                     "; set the clock, or renew the certificate"));
  }
  return absl::OkStatus();
}

absl::Status CheckName(const std::string& pem, const std::string& host) {
  GRANGE_ASSIGN_OR_RETURN(const X509Handle leaf, ParseCertificate(pem));
  if (X509_check_ip_asc(leaf.get(), host.c_str(), 0) == 1 ||
      X509_check_host(leaf.get(), host.c_str(), host.size(), 0, nullptr) == 1) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "the coordinator's certificate is for ", absl::StrJoin(NamesOf(leaf.get()), ", "),
      ", not for '", host, "'; start the coordinator with '--name ", host,
      "', or use one of these names"));
}

absl::Status CheckPair(const KeyPair& pair, const std::string& ca_pem, absl::Time now) {
  const absl::StatusOr<std::vector<X509Handle>> chain = ParseCertificates(pair.certificate_pem);
  if (!chain.ok()) return Of("the certificate", chain.status());
  const absl::StatusOr<KeyHandle> key = ParseKey(pair.key_pem);
  if (!key.ok()) return Of("the key", key.status());
  if (X509_check_private_key((*chain)[0].get(), key->get()) != 1) {
    return absl::FailedPreconditionError("the key is not that of the certificate");
  }
  GRANGE_RETURN_IF_ERROR(CheckDates(FactsOf((*chain)[0].get()), now));
  const absl::StatusOr<X509Handle> ca = ParseCertificate(ca_pem);
  if (!ca.ok()) return Of("the CA", ca.status());
  return CheckChain(*chain, ca->get(), now);
}

std::string WithCa(std::string chain_pem, const std::string& ca_pem) {
  const absl::StatusOr<std::vector<X509Handle>> chain = ParseCertificates(chain_pem);
  const absl::StatusOr<X509Handle> ca = ParseCertificate(ca_pem);
  if (!chain.ok() || !ca.ok()) return chain_pem;
  for (const X509Handle& certificate : *chain) {
    if (X509_cmp(certificate.get(), ca->get()) == 0) return chain_pem;
  }
  if (!chain_pem.empty() && chain_pem.back() != '\n') chain_pem += '\n';
  return chain_pem + ToPem(ca->get());
}

}  // namespace grange::rpc
