#ifndef GRANGE_TOOLS_CTL_LOGS_H_
#define GRANGE_TOOLS_CTL_LOGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/ctl/client.h"
#include "tools/ctl/context.h"
#include "tools/ctl/exit_code.h"

namespace grange::ctl {

struct LogWanted {
  int64_t job = 0;
  int attempt = 0;  // 0: the newest
  bool follow = false;
  bool timestamps = false;
};

// Writes a job's log to stdout, byte for byte; with `timestamps` each line after its time. With
// `follow` until the job has ended; a connection that breaks is opened again at the byte where it
// broke.
absl::StatusOr<ExitCode> WriteLog(Context& context, Client& client, const LogWanted& wanted);

// The last lines of a job's log as they are fit for a terminal (see CleanLines), at most `lines`.
absl::StatusOr<std::vector<std::string>> LastLines(Client& client, int64_t job, size_t lines);

// The lines of raw log bytes for people: colours and section marks are taken out, of a line that
// was written over (\r) the last state is left, the rest is made printable.
std::vector<std::string> CleanLines(absl::string_view bytes);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_LOGS_H_
