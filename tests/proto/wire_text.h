#ifndef GRANGE_TESTS_PROTO_WIRE_TEXT_H_
#define GRANGE_TESTS_PROTO_WIRE_TEXT_H_

#include <google/protobuf/descriptor.h>

#include <map>
#include <string>
#include <vector>

namespace grange {

// What of a .proto file others depend on, a line each: its name (which never changes its meaning)
// and what stands behind it.
//   field grange.v1.Hello.agent_id = 1 int64
//   value grange.v1.JobReport.PHASE_ACCEPTED = 1
//   rpc grange.v1.AgentHub.Control = stream grange.v1.AgentMsg -> stream grange.v1.HubMsg
using WireText = std::map<std::string, std::string>;

void AddFile(const google::protobuf::FileDescriptor& file, WireText& text);

std::string Print(const WireText& text);
WireText ParseWireText(const std::string& printed);

struct WireDifference {
  std::vector<std::string> broken;  // removed or changed: an older peer misunderstands us
  std::vector<std::string> added;
};
WireDifference Compare(const WireText& frozen, const WireText& now);

}  // namespace grange

#endif  // GRANGE_TESTS_PROTO_WIRE_TEXT_H_
