#ifndef GRANGE_COORDINATOR_CONFIG_INCLUDE_REQUEST_H_
#define GRANGE_COORDINATOR_CONFIG_INCLUDE_REQUEST_H_

#include <string>

#include "coordinator/config/source_file.h"

namespace grange::config {

// The repository that a file came from, in words that only the SourceTree that gave them
// understands; "" is that of the root file. What a file includes with `local` is read from there.
using Origin = std::string;

// One file that an `include` asks for, its variables already replaced.
struct IncludeRequest {
  enum class Kind { kLocal, kProject, kRemote, kTemplate, kComponent };

  Kind kind = Kind::kLocal;
  Origin from;  // of the file that includes
  // A path below the root of a repository, without a leading '/' (kLocal, kProject); a URL; the
  // name of a template; HOST/PATH/NAME@VERSION of a component.
  std::string path;
  std::string project;    // kProject
  std::string ref;        // kProject: branch, tag or commit; "": the default branch
  std::string integrity;  // kRemote: "sha256-" and the content's hash in base64; "": not checked
};

// What `$[[ component.… ]]` means in a file that was included as a component.
struct ComponentFacts {
  std::string name;
  std::string sha;
  std::string version;    // what the reference was resolved to
  std::string reference;  // as it is written behind '@'
};

struct IncludedFile {
  // Its name is for people, and tells it from all other files: the path of a local file,
  // GROUP/NAME@REF:PATH of another project's, the URL, template:NAME, HOST/PATH/NAME@VERSION.
  SourceFile file;
  Origin origin;
  ComponentFacts component;  // of a component
};

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_INCLUDE_REQUEST_H_
