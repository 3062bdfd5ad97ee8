// exec_test_agent SHIM JOB_FOLDER WORKSPACE SCRIPT [PIDS]: launches a job, prints the key of its
// shim and waits to be killed.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "agent/exec/job_cgroups.h"
#include "agent/exec/shim_process.h"
#include "common/os/event_loop.h"

int main(int argc, char** argv) {
  using grange::exec::ShimProcess;
  if (argc != 5 && argc != 6) return 2;
  grange::os::EventLoop loop;
  grange::exec::ShimRun run;
  run.script = argv[4];
  run.cwd = argv[3];
  run.env = {"PATH=/usr/bin:/bin"};
  if (argc == 6) {
    const uint64_t pids = std::strtoull(argv[5], nullptr, 10);
    const auto cgroup = grange::exec::JobCgroups::Find(argv[2], "").Make(argv[2], {.pids = pids});
    if (!cgroup.ok()) return 1;
    run.cgroup = *cgroup;
  }
  const auto shim = ShimProcess::Launch(loop, argv[1], argv[2], run, {});
  if (!shim.ok()) {
    std::fprintf(stderr, "%s\n", shim.status().ToString().c_str());
    return 1;
  }
  const grange::exec::ProcessKey& key = (*shim)->key();
  std::printf("%d %llu %s\n", key.pid, static_cast<unsigned long long>(key.start_time),
              key.boot_id.c_str());
  std::fflush(stdout);
  loop.Run();
  return 0;
}
