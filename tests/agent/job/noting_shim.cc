// job_test_shim JOB_FOLDER, in the place of grange-shim: writes into JOB_FOLDER/lease what the run
// that it is handed says of the lease, in milliseconds since boot, and refuses the job. What comes
// after the run it does not hear, as little as a shim does whose agent dies at that moment.

#include <unistd.h>

#include <fstream>
#include <string>

#include "agent/shim/run_spec.h"
#include "agent/shim/shim_message.h"

namespace {

constexpr int kAgentFd = 3;

bool ReadExactly(std::string& bytes) {
  for (size_t have = 0; have < bytes.size();) {
    const ssize_t got = read(kAgentFd, bytes.data() + have, bytes.size() - have);
    if (got <= 0) return false;
    have += static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace grange::shim;
  if (argc != 2) return 2;
  std::string bytes(kRunSpecHeaderBytes, '\0');
  if (!ReadExactly(bytes)) return 1;
  bytes.resize(RunSpecBodyBytes(bytes).value_or(0));
  if (!ReadExactly(bytes)) return 1;
  const std::optional<RunSpec> run = DecodeRunSpecBody(bytes);
  if (!run) return 1;
  std::ofstream(std::string(argv[1]) + "/lease") << run->lease_until_ms << std::flush;
  const ShimMessage refused = {.kind = ShimMessage::kRefused, .detail = 0, .value = 0};
  return write(kAgentFd, &refused, sizeof refused) == sizeof refused ? 0 : 1;
}
