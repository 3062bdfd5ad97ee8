#include "deploy/ssh/host_key.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "deploy/ssh/ssh_handles.h"

namespace grange::ssh {
namespace {

constexpr uint64_t kKnownHostsBytesMax = 4 << 20;

// "ssh-ed25519 SHA256:…", as ssh-keygen -l shows it.
std::string Fingerprint(ssh_key key) {
  unsigned char* hash = nullptr;
  size_t size = 0;
  if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK) {
    return "a key that cannot be read";
  }
  const StringHandle text(ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size));
  ssh_clean_pubkey_hash(&hash);
  return absl::StrCat(ssh_key_type_to_char(ssh_key_type(key)), " ",
                      text == nullptr ? "without fingerprint" : text.get());
}

absl::StatusOr<KeyHandle> KeyOfServer(ssh_session session) {
  ssh_key key = nullptr;
  if (ssh_get_server_publickey(session, &key) != SSH_OK) {
    return absl::UnavailableError("the host showed no key");
  }
  return KeyHandle(key);
}

// The line that a person who trusts the key adds to the file.
std::string KnownHostsLine(ssh_key key, const SshTarget& target) {
  char* base64 = nullptr;
  if (ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK) return "";
  const StringHandle owned(base64);
  return absl::StrCat(target.KnownHostsName(), " ", ssh_key_type_to_char(ssh_key_type(key)), " ",
                      base64);
}

// Fingerprints of all keys that the file has for the host, hashed names included.
std::string KnownFingerprints(const std::string& content, const SshTarget& target) {
  const std::string name = target.KnownHostsName();
  std::vector<std::string> fingerprints;
  for (absl::string_view line : absl::StrSplit(content, '\n')) {
    ssh_knownhosts_entry* entry = nullptr;
    if (ssh_known_hosts_parse_line(name.c_str(), std::string(line).c_str(), &entry) != SSH_OK) {
      continue;  // another host's, a comment, or broken
    }
    const KnownHostHandle owned(entry);
    fingerprints.push_back(Fingerprint(entry->publickey));
  }
  return absl::StrJoin(fingerprints, ", ");
}

}  // namespace

absl::Status CheckHostKey(ssh_session_struct* session, const SshTarget& target,
                          const std::string& known_hosts) {
  GRANGE_ASSIGN_OR_RETURN(const KeyHandle key, KeyOfServer(session));
  const std::string shown =
      absl::StrCat("host key of ", target.KnownHostsName(), " is ", Fingerprint(key.get()));
  const std::string if_genuine = absl::StrCat(
      "compare this fingerprint with 'ssh-keygen -l' on the host itself and only if "
      "they agree add the line \"",
      KnownHostsLine(key.get(), target), "\"");

  // libssh calls a host of a missing file merely unknown; the next step is another one.
  if (!os::Exists(known_hosts)) {
    return absl::FailedPreconditionError(absl::StrCat(shown, ", but there is no known hosts file '",
                                                      known_hosts, "': make it; ", if_genuine));
  }
  GRANGE_ASSIGN_OR_RETURN(const std::string content,
                          os::ReadFile(known_hosts, kKnownHostsBytesMax));

  switch (ssh_session_is_known_server(session)) {
    case SSH_KNOWN_HOSTS_OK:
      return absl::OkStatus();
    case SSH_KNOWN_HOSTS_UNKNOWN:
    case SSH_KNOWN_HOSTS_NOT_FOUND:
      return absl::FailedPreconditionError(
          absl::StrCat(shown, ", but '", known_hosts, "' has no key of it: ", if_genuine));
    case SSH_KNOWN_HOSTS_OTHER:
      return absl::FailedPreconditionError(
          absl::StrCat(shown, ", but '", known_hosts, "' knows it only by keys of other types (",
                       KnownFingerprints(content, target), "): ", if_genuine));
    case SSH_KNOWN_HOSTS_CHANGED:
      return absl::FailedPreconditionError(absl::StrCat(
          shown, ", but '", known_hosts, "' has ", KnownFingerprints(content, target),
          ": the host was set up anew or somebody else answers in its place; ask its "
          "administrator, and only if the new key is genuine replace the old line of '",
          target.KnownHostsName(), "'"));
    case SSH_KNOWN_HOSTS_ERROR:
      break;
  }
  return absl::FailedPreconditionError(absl::StrCat(shown, ", but it cannot be looked up in '",
                                                    known_hosts, "': ", ssh_get_error(session)));
}

}  // namespace grange::ssh
