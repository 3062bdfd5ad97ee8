#include "tools/ctl/exit_code.h"

#include "absl/strings/cord.h"

namespace grange::ctl {
namespace {

constexpr char kUsagePayload[] = "grange.ctl/usage";

}  // namespace

absl::Status UsageError(absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.GetPayload(kUsagePayload)) return kExitUsage;
  if (status.ok()) return kExitDone;
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) return kExitUnreachable;
  if (absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status)) return kExitNotAllowed;
  return kExitFailed;
}

}  // namespace grange::ctl
