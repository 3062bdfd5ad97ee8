#ifndef GRANGE_COORDINATOR_CONFIG_SOURCE_FILE_H_
#define GRANGE_COORDINATOR_CONFIG_SOURCE_FILE_H_

#include <string>

namespace grange::config {

// A text to compile, under the name by which the user knows it (".gitlab-ci.yml").
struct SourceFile {
  std::string name;
  std::string text;
};

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_SOURCE_FILE_H_
