#ifndef GRANGE_TOOLS_CTL_COMPLETION_H_
#define GRANGE_TOOLS_CTL_COMPLETION_H_

#include <string>

#include "tools/ctl/command_help.h"

namespace grange::ctl {

// Scripts that complete commands and options in a shell: the words of the tree, files elsewhere.
std::string BashCompletion(const CommandHelp& root);
std::string ZshCompletion(const CommandHelp& root);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_COMPLETION_H_
