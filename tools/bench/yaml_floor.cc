// The second folder with yaml-cpp, beside coordinator/config: a floor is what the bare library
// takes, so it must not go through our own.
#include "tools/bench/yaml_floor.h"

#include <yaml-cpp/yaml.h>
#include <yaml.h>

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

absl::StatusOr<absl::Duration> TimeYamlEvents(const std::string& text) {
  const absl::Time start = absl::Now();
  yaml_parser_t parser;
  if (yaml_parser_initialize(&parser) == 0) return absl::InternalError("libyaml has no memory");
  yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()),
                               text.size());
  bool good = true, end = false;
  while (good && !end) {
    yaml_event_t event;
    good = yaml_parser_parse(&parser, &event) != 0;
    if (!good) break;
    end = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&parser);
  if (!good) return absl::InternalError("libyaml refuses the text");
  return absl::Now() - start;
}

}  // namespace grange::bench
