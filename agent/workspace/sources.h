#ifndef GRANGE_AGENT_WORKSPACE_SOURCES_H_
#define GRANGE_AGENT_WORKSPACE_SOURCES_H_

#include <string>

#include "common/base/id.h"

namespace grange::workspace {

// Which commit of which project a job wants, and how its work tree is made.
struct Sources {
  enum class Strategy {
    kClone,  // a fresh work tree
    kFetch,  // the work tree of the last job of this project in this slot, cleaned
    kNone,   // no sources: the folder as it is
  };
  ProjectId project;
  std::string project_name;
  std::string sha;       // 40 or 64 hexadecimal digits
  std::string ref_name;  // branch or tag, without refs/heads/; may be empty
  bool is_tag = false;
  Strategy strategy = Strategy::kFetch;
  int depth = 0;  // commits that the job sees; 0: all
};

}  // namespace grange::workspace

#endif  // GRANGE_AGENT_WORKSPACE_SOURCES_H_
