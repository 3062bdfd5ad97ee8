// The second folder with yaml-cpp, beside coordinator/config: a floor is what the bare library
// takes, so it must not go through our own.
#include "tools/bench/yaml_floor.h"

#include <yaml-cpp/yaml.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace grange::bench {

absl::StatusOr<absl::Duration> TimeYamlLoad(const std::string& text) {
  try {
    const absl::Time start = absl::Now();
    if (!YAML::Load(text).IsMap()) return absl::InternalError("not a map");
    return absl::Now() - start;
  } catch (const YAML::Exception& e) {
    return absl::InternalError(absl::StrCat("yaml-cpp refuses the text: ", e.msg));
  }
}

}  // namespace grange::bench
