#include "common/os/core_dumps.h"
#include "tools/ctl/command_line.h"

int main(int argc, char** argv) {
  grange::os::ForbidCoreDumps();  // it has a token, and at times a secret's value
  return grange::ctl::RunCommandLine(argc, argv);
}
