#ifndef GRANGE_DEPLOY_SSH_SSH_HANDLES_H_
#define GRANGE_DEPLOY_SSH_SSH_HANDLES_H_

#include <libssh/libssh.h>

#include <memory>

// Owners of libssh's objects, for the .cc files of this folder only: no other folder sees libssh.
namespace grange::ssh {

struct SessionFree {
  void operator()(ssh_session session) const {
    ssh_disconnect(session);
    ssh_free(session);
  }
};
using SessionHandle = std::unique_ptr<ssh_session_struct, SessionFree>;

struct KeyFree {
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
using KeyHandle = std::unique_ptr<ssh_key_struct, KeyFree>;

// Of strings that libssh made.
struct StringFree {
  void operator()(char* text) const { ssh_string_free_char(text); }
};
using StringHandle = std::unique_ptr<char, StringFree>;

struct KnownHostFree {
  void operator()(ssh_knownhosts_entry* entry) const { ssh_knownhosts_entry_free(entry); }
};
using KnownHostHandle = std::unique_ptr<ssh_knownhosts_entry, KnownHostFree>;

}  // namespace grange::ssh

#endif  // GRANGE_DEPLOY_SSH_SSH_HANDLES_H_
