#include "common/rpc/server_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <string>
#include <utility>

namespace grange::rpc {
namespace {

// gRPC's C++ interface has no credentials that ask for the pair at each handshake, only some that
// look at files once in a while; its C interface has them.
class ReloadingCredentials : public grpc::ServerCredentials {
 public:
  explicit ReloadingCredentials(std::shared_ptr<ServedPair> pair) : pair_(std::move(pair)) {
    credentials_ = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, &ReloadingCredentials::Fetch, this));
  }
  ~ReloadingCredentials() override { grpc_server_credentials_release(credentials_); }

  // Each call's credential is looked at by the call itself.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  // gRPC calls it at each handshake, one call at a time.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    auto& credentials = *static_cast<ReloadingCredentials*>(self);
    const int64_t version = credentials.pair_->version();
    if (version == credentials.given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const KeyPair pair = credentials.pair_->Get();
    const grpc_ssl_pem_key_cert_pair pem = {.private_key = pair.key_pem.c_str(),
                                            .cert_chain = pair.certificate_pem.c_str()};
    // It insists on roots for clients' certificates, and never asks for one.
    *config = grpc_ssl_server_certificate_config_create(pem.cert_chain, &pem, 1);
    credentials.given_ = version;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<ServedPair> pair_;
  grpc_server_credentials* credentials_;
  int64_t given_ = 0;  // the version that gRPC has
};

}  // namespace

void ServedPair::Replace(KeyPair pair) {
  base::MutexLock lock(mu_);
  pair_ = std::move(pair);
  ++version_;
}

KeyPair ServedPair::Get() const {
  base::MutexLock lock(mu_);
  return pair_;
}

int64_t ServedPair::version() const {
  base::MutexLock lock(mu_);
  return version_;
}

std::shared_ptr<grpc::ServerCredentials> ReloadingServerCredentials(
    std::shared_ptr<ServedPair> pair) {
  return std::make_shared<ReloadingCredentials>(std::move(pair));
}

}  // namespace grange::rpc
