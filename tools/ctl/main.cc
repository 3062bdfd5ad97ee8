#include <openssl/crypto.h>

#include "common/os/core_dumps.h"
#include "tools/ctl/command_line.h"

int main(int argc, char** argv) {
  grange::os::ForbidCoreDumps();  // it has a token, and at times a secret's value
  // gRPC's threads may be in the middle of a handshake when the process ends: OpenSSL must not take
  // away what they use.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  return grange::ctl::RunCommandLine(argc, argv);
}
