#include "tools/ctl/command_line.h"

int main(int argc, char** argv) { return grange::ctl::RunCommandLine(argc, argv); }
