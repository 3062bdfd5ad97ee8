#ifndef GRANGE_TOOLS_CTL_COMMAND_LINE_H_
#define GRANGE_TOOLS_CTL_COMMAND_LINE_H_

namespace grange::ctl {

// All of grangectl: reads the command line, runs the command, gives the exit code.
int RunCommandLine(int argc, char** argv);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_COMMAND_LINE_H_
