#include "coordinator/server/first_start.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/rpc/token_text.h"

namespace grange::server {
namespace {

// The token of an earlier start, if it is still good; else "".
std::string KeptToken(const std::string& path, store::Store& store) {
  const absl::StatusOr<std::string> text = os::ReadFile(path, 1 << 20);
  if (!text.ok()) return "";
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (!absl::ConsumePrefix(&line, "token:")) continue;
    line = absl::StripAsciiWhitespace(line);
    absl::ConsumePrefix(&line, "\"");
    absl::ConsumeSuffix(&line, "\"");
    const absl::StatusOr<store::TokenRow> row = store.FindToken(rpc::TokenHash(line));
    return row.ok() && !row->revoked ? std::string(line) : "";
  }
  return "";
}

// What a start has left that was killed while it wrote the file: it has the token, too.
void RemoveUnfinished(const std::string& state_dir) {
  constexpr absl::string_view kPrefix = "grangectl.yml.";
  constexpr size_t kRandomBytes = 6;
  const absl::StatusOr<std::vector<std::string>> names = os::ListDir(state_dir);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (absl::StartsWith(name, kPrefix) && name.size() == kPrefix.size() + kRandomBytes) {
      os::RemoveTree(os::JoinPath(state_dir, name)).IgnoreError();
    }
  }
}

}  // namespace

absl::Status WriteCtlConfig(const std::string& state_dir, const std::string& address,
                            const std::string& ca_pem, store::Store& store, absl::Time now) {
  const std::string path = os::JoinPath(state_dir, "grangectl.yml");
  std::string token = KeptToken(path, store);
  if (token.empty()) {
    token = rpc::NewToken(rpc::TokenKind::kUser);
    store::TokenRow row;
    row.kind = store::TokenRow::Kind::kUser;
    row.hash = rpc::TokenHash(token);
    row.user = "admin";
    row.role = "admin";
    row.created_at = now;
    GRANGE_RETURN_IF_ERROR(store.CreateToken(row, ""));
  }
  std::string text = absl::StrCat("# How grangectl reaches this coordinator; keep it secret.\n",
                                  "coordinator: \"", address, "\"\n", "token: \"", token, "\"\n");
  if (ca_pem.empty()) {
    absl::StrAppend(&text, "insecure: true\n");
  } else {
    absl::StrAppend(&text, "ca: |\n");
    for (const absl::string_view line : absl::StrSplit(absl::StripAsciiWhitespace(ca_pem), '\n')) {
      absl::StrAppend(&text, "  ", line, "\n");
    }
  }
  RemoveUnfinished(state_dir);
  return os::WriteFileAtomic(path, text, 0600);
}

}  // namespace grange::server
