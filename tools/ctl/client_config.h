#ifndef GRANGE_TOOLS_CTL_CLIENT_CONFIG_H_
#define GRANGE_TOOLS_CTL_CLIENT_CONFIG_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/secret.h"

// Where the coordinator is and how to talk to it: docs/formats/grangectl-yml.md.
namespace grange::ctl {

struct ClientConfig {
  std::string coordinator;  // "host:port"
  std::string ca;           // PEM; the only authority that is trusted
  Secret token;
  bool insecure = false;  // plain text; only to a loopback address
};

// Reads the flat form that a coordinator writes: `key: value` lines, plain or quoted, `key: |` with
// an indented block, comments. Anything else is kInvalidArgument with "name:line: " before it.
absl::StatusOr<ClientConfig> ParseClientConfig(absl::string_view name, absl::string_view text);

// Finds and reads the configuration: `flag` (--config), else $GRANGE_CONFIG, else
// ~/.config/grange/grangectl.yml, else /etc/grange/grangectl.yml. `coordinator` (--coordinator)
// replaces the address. Refuses a file that others may read: it holds a token.
absl::StatusOr<ClientConfig> LoadClientConfig(const std::string& flag,
                                              const std::string& coordinator);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_CLIENT_CONFIG_H_
